import type pg from 'pg';

/**
 * The relay's own tables, beside DBOS's in the same database. Versioned, run once, forward only: a change is a new entry.
 * Event bodies are `json`, not `jsonb`, because a tool may print NUL, which `jsonb` cannot hold.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE handoff.tasks (
    task_id        text PRIMARY KEY,
    client_id      text NOT NULL UNIQUE,
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL,
    seq            integer NOT NULL DEFAULT 0,
    -- What the client asked for: the source, the model.
    spec           json NOT NULL,
    -- The uncommitted files of the source: large, and read once.
    overlay        json NOT NULL,
    -- The turn that runs or is about to, if any.
    active_turn    text,
    sandbox        json,
    -- {baseCommit, baseTree} once the source has been fetched.
    prepared       json,
    archived       boolean NOT NULL DEFAULT false
  );
  CREATE INDEX tasks_by_age ON handoff.tasks (created_at DESC, task_id);

  CREATE TABLE handoff.events (
    task_id  text NOT NULL REFERENCES handoff.tasks ON DELETE CASCADE,
    seq      integer NOT NULL,
    -- Identity of the fact: appending it again changes nothing.
    key      text NOT NULL,
    at       bigint NOT NULL,
    type     text NOT NULL,
    body     json NOT NULL,
    PRIMARY KEY (task_id, seq),
    UNIQUE (task_id, key)
  );

  CREATE TABLE handoff.turns (
    turn_id        text PRIMARY KEY,
    task_id        text NOT NULL REFERENCES handoff.tasks ON DELETE CASCADE,
    created_at     bigint NOT NULL,
    ended          boolean NOT NULL DEFAULT false,
    stop_requested boolean NOT NULL DEFAULT false
  );
  CREATE INDEX turns_open ON handoff.turns (created_at) WHERE NOT ended;

  CREATE TABLE handoff.messages (
    task_id     text NOT NULL REFERENCES handoff.tasks ON DELETE CASCADE,
    message_id  text NOT NULL,
    place       bigserial,
    turn_id     text NOT NULL,
    text        text NOT NULL,
    selection   json NOT NULL,
    -- The model call that it was given to; a repeated step finds the same messages again.
    delivered_to text,
    PRIMARY KEY (task_id, message_id)
  );

  -- What a step decided before it acted, so that its repetition decides the same. First writer wins.
  CREATE TABLE handoff.memos (
    task_id  text NOT NULL REFERENCES handoff.tasks ON DELETE CASCADE,
    key      text NOT NULL,
    value    json NOT NULL,
    PRIMARY KEY (task_id, key)
  );

  -- The one way into the log. Locks the task, numbers what is new without a gap, wakes the readers.
  -- Answers the task's last seq; -1 where the turn has ended and may say no more.
  -- Three arrays side by side and not one of objects, because taking an object apart reads its escapes, and \\u0000 or half
  -- a surrogate pair in a body would be an error then.
  CREATE FUNCTION handoff.append_events(
    p_task text, p_turn text, p_at bigint, p_keys text[], p_types text[], p_bodies json[]
  ) RETURNS integer
  LANGUAGE plpgsql AS $$
  DECLARE
    last integer;
  BEGIN
    SELECT seq INTO last FROM handoff.tasks WHERE task_id = p_task FOR UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no task %', p_task USING ERRCODE = 'no_data_found';
    END IF;
    IF p_turn IS NOT NULL AND EXISTS (SELECT 1 FROM handoff.turns WHERE turn_id = p_turn AND ended) THEN
      RETURN -1;
    END IF;
    FOR i IN 1 .. cardinality(p_keys) LOOP
      INSERT INTO handoff.events (task_id, seq, key, at, type, body)
      VALUES (p_task, last + 1, p_keys[i], p_at, p_types[i], p_bodies[i])
      ON CONFLICT (task_id, key) DO NOTHING;
      IF FOUND THEN last := last + 1; END IF;
    END LOOP;
    UPDATE handoff.tasks SET seq = last, updated_at = p_at WHERE task_id = p_task AND seq <> last;
    IF FOUND THEN PERFORM pg_notify('handoff', p_task); END IF;
    RETURN last;
  END $$;
  `,
];

/** An arbitrary number of ours: relays that start at once migrate one after the other. */
const MIGRATION_LOCK = 7420_0001;

/** Brings the tables to this version's shape. */
export async function migrate(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(
      'CREATE SCHEMA IF NOT EXISTS handoff; CREATE TABLE IF NOT EXISTS handoff.migrations (version integer PRIMARY KEY)',
    );
    const { rows } = await client.query<{ version: number | null }>(
      'SELECT max(version) AS version FROM handoff.migrations',
    );
    for (let version = (rows[0]?.version ?? 0) + 1; version <= MIGRATIONS.length; version++) {
      await client.query('BEGIN');
      await client.query(MIGRATIONS[version - 1] ?? '');
      await client.query('INSERT INTO handoff.migrations VALUES ($1)', [version]);
      await client.query('COMMIT');
    }
  } finally {
    await client.query('SELECT pg_advisory_unlock_all()').catch(() => {});
    client.release(true);
  }
}
