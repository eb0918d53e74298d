import { SPEND_MIGRATION } from './spend-migrations.ts';

/** Of what belongs to agents, their models and their money. Entries are never changed once they were released, only added. */
export const HARNESS_MIGRATIONS: readonly string[] = [
  `
  -- Subagents that the person asked to stop. Whoever runs their turn looks here.
  CREATE TABLE handoff.agent_stops (
    agent_id  text COLLATE "C" PRIMARY KEY,
    turn_id   text NOT NULL REFERENCES handoff.turns ON DELETE CASCADE,
    at        bigint NOT NULL
  );
  CREATE INDEX agent_stops_by_turn ON handoff.agent_stops (turn_id);
  `,
  `
  -- Copies of machines that agents work in side by side, and what those that begin at once are copies of. A row is there before
  -- anything of one is, and until nothing of it is left: also longer than its turn or its task.
  CREATE TABLE handoff.fork_origins (
    origin_id   text PRIMARY KEY,
    task_id     text NOT NULL,
    turn_id     text NOT NULL,
    group_name  text NOT NULL,
    -- The relay's machine that looks after it.
    host        text NOT NULL,
    provider    text NOT NULL,
    snapshot    json
  );
  CREATE INDEX fork_origins_by_turn ON handoff.fork_origins (turn_id);
  CREATE TABLE handoff.forks (
    agent_id   text COLLATE "C" PRIMARY KEY,
    -- Its task's name at the provider.
    fork_id    text NOT NULL,
    origin_id  text NOT NULL REFERENCES handoff.fork_origins,
    ref        json
  );
  CREATE INDEX forks_by_origin ON handoff.forks (origin_id);
  `,
  `
  -- How the person wants the message worked on; null where they said nothing.
  ALTER TABLE handoff.messages ADD COLUMN mode text;
  `,
  SPEND_MIGRATION,
];
