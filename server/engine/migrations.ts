import { HARNESS_MIGRATIONS } from './harness-migrations.ts';

/**
 * The relay's own tables, beside DBOS's in the same database. Versioned, run once, forward only: a change is a new entry.
 * Event bodies are `json`, not `jsonb`, because a tool may print NUL, which `jsonb` cannot hold.
 */
export const MIGRATIONS: readonly string[] = [
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
  // Turns are claimed by relays, any number of which may share this database.
  `
  ALTER TABLE handoff.tasks
    -- The user who delegated it: by which name the relay knows the token that was sent.
    ADD COLUMN owner    text NOT NULL DEFAULT 'owner',
    -- The machine that has its repository and sandbox; null until a relay begins to work on it.
    ADD COLUMN host     text,
    -- When its idle sandbox is to hibernate, if it is.
    ADD COLUMN sleep_at bigint;
  CREATE INDEX tasks_to_sleep ON handoff.tasks (sleep_at) WHERE sleep_at IS NOT NULL;

  DROP INDEX handoff.turns_open;
  ALTER TABLE handoff.turns
    -- waiting: for a relay to claim it. running: by one relay. parked: for an answer, at no cost. ended: for good.
    ADD COLUMN state     text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'parked', 'ended')),
    -- First come, first served.
    ADD COLUMN place     bigserial,
    ADD COLUMN relay     text,
    -- Fencing number: raised by whoever takes the turn. What an earlier holder still says is refused.
    ADD COLUMN epoch     integer NOT NULL DEFAULT 0,
    -- Of the record that it is continued from; a relay that does not know it ends the turn.
    ADD COLUMN format    integer NOT NULL DEFAULT 1,
    -- Whether what follows a turn's end is still owed.
    ADD COLUMN aftermath_due boolean NOT NULL DEFAULT false;
  UPDATE handoff.turns SET state = 'ended' WHERE ended;
  ALTER TABLE handoff.turns DROP COLUMN ended;
  CREATE INDEX turns_open ON handoff.turns (place) WHERE state IN ('waiting', 'running');
  CREATE INDEX turns_owed ON handoff.turns (turn_id) WHERE aftermath_due;

  -- Who shares this database. A relay lives while it holds the advisory lock of its id, and says so every second.
  CREATE TABLE handoff.relays (
    relay_id  text PRIMARY KEY,
    host      text NOT NULL,
    version   text NOT NULL,
    -- The newest record of a turn that it knows.
    format    integer NOT NULL,
    seen_at   timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE handoff.usage (
    turn_id        text PRIMARY KEY,
    task_id        text NOT NULL,
    owner          text NOT NULL,
    at             bigint NOT NULL,
    model          text,
    input_tokens   bigint,
    output_tokens  bigint,
    cached_tokens  bigint
  );
  CREATE INDEX usage_by_time ON handoff.usage (at);

  DROP FUNCTION handoff.append_events;
  -- As before; besides, -1 where the turn is by now another's: p_epoch is that of the claim under which is spoken, null for
  -- what is not said by whoever runs it.
  CREATE FUNCTION handoff.append_events(
    p_task text, p_turn text, p_epoch integer, p_at bigint, p_keys text[], p_types text[], p_bodies json[]
  ) RETURNS integer
  LANGUAGE plpgsql AS $$
  DECLARE
    last integer;
  BEGIN
    SELECT seq INTO last FROM handoff.tasks WHERE task_id = p_task FOR UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no task %', p_task USING ERRCODE = 'no_data_found';
    END IF;
    IF p_turn IS NOT NULL AND EXISTS (
      SELECT 1 FROM handoff.turns
      WHERE turn_id = p_turn AND (state = 'ended' OR p_epoch IS NOT NULL AND (state <> 'running' OR epoch <> p_epoch))
    ) THEN
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
  `
  -- Whether the events of an ended turn that were of use only while it ran have been put together.
  ALTER TABLE handoff.turns ADD COLUMN compacted boolean NOT NULL DEFAULT false;
  CREATE INDEX turns_to_compact ON handoff.turns (task_id) WHERE state = 'ended' AND NOT compacted;
  `,
  `
  -- Tasks whose record is gone, and whose repository is still to be removed by a relay of its machine.
  CREATE TABLE handoff.removed_tasks (
    task_id  text PRIMARY KEY,
    host     text NOT NULL
  );
  `,
  `
  -- Keys are ranges of ids: they compare byte by byte, whatever language the database sorts by.
  ALTER TABLE handoff.events ALTER COLUMN key TYPE text COLLATE "C";
  ALTER TABLE handoff.memos ALTER COLUMN key TYPE text COLLATE "C";

  -- Gives a relay the first waiting turn that it may run, or none. One claim at a time in the whole database, so that the
  -- limits hold across relays. A task whose row is in use is passed over and found at the next look. Only for a relay that was
  -- seen lately; and first of all what it has and does not run: the answer to an earlier claim was lost with its connection.
  -- p_mine: the turns that the relay knows it runs.
  CREATE FUNCTION handoff.claim_turn(
    p_relay text, p_host text, p_most integer, p_most_per_owner integer, p_format integer, p_mine text[]
  ) RETURNS TABLE (task_id text, turn_id text, epoch integer, format integer)
  LANGUAGE plpgsql AS $$
  DECLARE
    chosen record;
  BEGIN
    PERFORM pg_advisory_xact_lock(74200002);
    PERFORM 1 FROM handoff.relays v WHERE v.relay_id = p_relay AND v.seen_at > now() - interval '10 seconds' FOR SHARE;
    IF NOT FOUND THEN RETURN; END IF;
    RETURN QUERY
      UPDATE handoff.turns u SET epoch = u.epoch + 1
      WHERE u.turn_id = (
        SELECT o.turn_id FROM handoff.turns o
        WHERE o.state = 'running' AND o.relay = p_relay AND o.turn_id <> ALL (p_mine)
        LIMIT 1 FOR UPDATE SKIP LOCKED
      )
      RETURNING u.task_id, u.turn_id, u.epoch, u.format;
    IF FOUND THEN RETURN; END IF;
    IF (SELECT count(*) FROM handoff.turns r WHERE r.state = 'running') >= p_most THEN RETURN; END IF;
    SELECT u.turn_id, t.task_id INTO chosen
    FROM handoff.turns u JOIN handoff.tasks t ON t.task_id = u.task_id
    WHERE u.state = 'waiting' AND (t.host IS NULL OR t.host = p_host)
    -- A newer version's turn is left to a relay that knows it; where none lives, it is to be ended with a clear word.
    AND (u.format <= p_format OR NOT EXISTS (
      SELECT 1 FROM handoff.relays v WHERE v.format >= u.format AND v.seen_at > now() - interval '10 seconds'
    )) AND p_most_per_owner > (
      SELECT count(*) FROM handoff.turns r JOIN handoff.tasks o ON o.task_id = r.task_id
      WHERE r.state = 'running' AND o.owner = t.owner
    )
    ORDER BY u.place LIMIT 1
    FOR UPDATE OF t, u SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    UPDATE handoff.tasks t SET host = p_host, sleep_at = NULL WHERE t.task_id = chosen.task_id;
    RETURN QUERY
      UPDATE handoff.turns u SET state = 'running', relay = p_relay, epoch = u.epoch + 1
      WHERE u.turn_id = chosen.turn_id
      RETURNING u.task_id, u.turn_id, u.epoch, u.format;
  END $$;
  `,
  `
  -- What the relay last knew of each task's machine (its name at the provider is tasks.sandbox), told to the person at each change.
  CREATE TABLE handoff.machines (
    task_id     text PRIMARY KEY REFERENCES handoff.tasks ON DELETE CASCADE,
    state       text NOT NULL CHECK (state IN
      ('provisioning', 'running', 'hibernating', 'hibernated', 'resuming', 'archived', 'lost', 'failed')),
    -- Counts the changes: each is made by whoever saw the one before.
    step        integer NOT NULL,
    -- Counts the machines that the task has had.
    generation  integer NOT NULL,
    changed_at  bigint NOT NULL,
    -- When the provider was last asked.
    checked_at  bigint NOT NULL,
    -- Since when it runs without a rest.
    runs_since  bigint,
    -- What its workspace had when it went to sleep.
    asleep_tree text,
    -- Of the last change: another's to the same state is another.
    token       text
  );
  CREATE INDEX machines_to_check ON handoff.machines (checked_at) WHERE state NOT IN ('lost', 'provisioning');
  INSERT INTO handoff.machines (task_id, state, step, generation, changed_at, checked_at)
    SELECT task_id, 'running', 1, 1, updated_at, 0 FROM handoff.tasks WHERE sandbox IS NOT NULL;

  -- Machines that were filled and set up beforehand, for tasks of the same repository and person to begin as copies of.
  -- A row is there before anything of the prebuild is, and until nothing of it is left.
  CREATE TABLE handoff.prebuilds (
    prebuild_id    text PRIMARY KEY,
    host           text NOT NULL,
    -- Whose sandboxes it is one of.
    provider       text NOT NULL,
    -- Of whom, where from and of which branch it is.
    place          text NOT NULL,
    -- Of all that decides what such a machine has; null until its files are here.
    key            text,
    state          text NOT NULL CHECK (state IN ('building', 'ready', 'failed', 'unwanted')),
    started_at     bigint NOT NULL,
    used_at        bigint NOT NULL,
    -- Since when nobody finds it; what was found before may still be made use of.
    unwanted_at    bigint,
    -- Whether the provider was asked for a snapshot, whatever became of it.
    has_snapshot   boolean NOT NULL DEFAULT false,
    snapshot       json
  );
  CREATE UNIQUE INDEX prebuilds_by_key ON handoff.prebuilds (host, key) WHERE state <> 'unwanted';
  CREATE UNIQUE INDEX prebuilds_by_place ON handoff.prebuilds (host, place) WHERE state = 'building';

  -- What people let the sandboxes of their repositories have. Sealed under a key that is not in the database.
  CREATE TABLE handoff.secrets (
    owner         text NOT NULL,
    name          text NOT NULL,
    sealed        bytea NOT NULL,
    -- In which repositories' sandboxes the owner allowed it.
    repositories  text[] NOT NULL,
    created_at    bigint NOT NULL,
    updated_at    bigint NOT NULL,
    used_at       bigint,
    PRIMARY KEY (owner, name)
  );

  -- Links to ports of sandboxes. What opens them is here as hashes only.
  CREATE TABLE handoff.previews (
    preview_id   text PRIMARY KEY,
    task_id      text NOT NULL REFERENCES handoff.tasks ON DELETE CASCADE,
    port         integer NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    key_hash     text NOT NULL,
    cookie_hash  text,
    revoked      boolean NOT NULL DEFAULT false
  );
  CREATE INDEX previews_by_task ON handoff.previews (task_id, created_at DESC);
  `,
  `
  -- Which task a pull request, or a commit that was pushed, is of: by these what GitHub tells finds its way.
  CREATE INDEX events_opened ON handoff.events ((body -> 'pullRequest' ->> 'url')) WHERE type = 'publish.opened';
  CREATE INDEX events_pushed ON handoff.events ((body ->> 'commit')) WHERE type = 'publish.pushed';

  -- What GitHub delivered, and was taken in.
  CREATE TABLE handoff.deliveries (
    delivery_id  text PRIMARY KEY,
    at           bigint NOT NULL
  );

  -- Whether the task's work is done: the machine is given back once nobody works in it.
  ALTER TABLE handoff.machines ADD COLUMN unwanted boolean NOT NULL DEFAULT false;
  CREATE INDEX machines_unwanted ON handoff.machines (task_id) WHERE unwanted;

  -- The token that a person left for one task, to be used once. A row is there as long as the token is, and no longer.
  CREATE TABLE handoff.deposits (
    task_id     text PRIMARY KEY REFERENCES handoff.tasks ON DELETE CASCADE,
    deposit_id  text NOT NULL UNIQUE,
    -- Sealed under a key that is not in the database.
    sealed      bytea NOT NULL,
    -- What is to be opened.
    plan        json NOT NULL,
    until       bigint NOT NULL,
    -- The turn that was found not to be ready, so that it is not looked at again.
    passed_over text,
    -- How often it was tried, and when it is tried again.
    attempt     integer NOT NULL DEFAULT 0,
    next_at     bigint NOT NULL DEFAULT 0,
    -- The publication that uses it, and the tree that this is about.
    publish_id  text,
    accepted    text
  );
  CREATE INDEX deposits_by_publication ON handoff.deposits (publish_id) WHERE publish_id IS NOT NULL;
  `,
  `
  -- A task's own pull requests: whether one was opened is asked every second while a token is kept.
  CREATE INDEX events_opened_by_task ON handoff.events (task_id, seq) WHERE type = 'publish.opened';
  `,
  ...HARNESS_MIGRATIONS,
];
