/** Of what belongs to agents, their models and their money. Entries are never changed once they were released, only added. */
export const HARNESS_MIGRATIONS: readonly string[] = [
  `
  -- Subagents that the person asked to stop. Whoever runs their turn looks here.
  CREATE TABLE handoff.agent_stops (
    agent_id  text COLLATE "C" PRIMARY KEY,
    turn_id   text NOT NULL,
    at        bigint NOT NULL
  );
  CREATE INDEX agent_stops_by_turn ON handoff.agent_stops (turn_id);
  `,
];
