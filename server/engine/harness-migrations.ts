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
  CREATE INDEX messages_undelivered ON handoff.messages (task_id) WHERE delivered_to IS NULL;

  DROP FUNCTION handoff.append_events;
  -- As before; besides, tells whoever runs a turn whether the person has said something that nobody has read yet, so that it need not
  -- ask before each model call.
  CREATE FUNCTION handoff.append_events(
    p_task text, p_turn text, p_epoch integer, p_at bigint, p_keys text[], p_types text[], p_bodies json[],
    OUT last integer, OUT has_messages boolean
  )
  LANGUAGE plpgsql AS $$
  BEGIN
    SELECT seq INTO last FROM handoff.tasks WHERE task_id = p_task FOR UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no task %', p_task USING ERRCODE = 'no_data_found';
    END IF;
    has_messages := p_epoch IS NOT NULL
      AND EXISTS (SELECT 1 FROM handoff.messages WHERE task_id = p_task AND delivered_to IS NULL);
    IF p_turn IS NOT NULL AND EXISTS (
      SELECT 1 FROM handoff.turns
      WHERE turn_id = p_turn AND (state = 'ended' OR p_epoch IS NOT NULL AND (state <> 'running' OR epoch <> p_epoch))
    ) THEN
      last := -1;
      RETURN;
    END IF;
    FOR i IN 1 .. cardinality(p_keys) LOOP
      INSERT INTO handoff.events (task_id, seq, key, at, type, body)
      VALUES (p_task, last + 1, p_keys[i], p_at, p_types[i], p_bodies[i])
      ON CONFLICT (task_id, key) DO NOTHING;
      IF FOUND THEN last := last + 1; END IF;
    END LOOP;
    UPDATE handoff.tasks SET seq = last, updated_at = p_at WHERE task_id = p_task AND seq <> last;
    IF FOUND THEN PERFORM pg_notify('handoff', p_task); END IF;
  END $$;
  `,
  `
  -- How the person wants the message worked on; null where they said nothing.
  ALTER TABLE handoff.messages ADD COLUMN mode text;
  `,
  SPEND_MIGRATION,
];
