/** Of the book of spending. Entries are never changed once they were released, only added. */
export const SPEND_MIGRATION = `
  -- One row a model call, whatever became of its task since. In flight: reserved is the most that it can cost, in millionths of a US
  -- dollar. Settled: cost is what it cost; null where no price was known.
  CREATE TABLE handoff.spend (
    message_id     text COLLATE "C" PRIMARY KEY,
    task_id        text NOT NULL,
    turn_id        text NOT NULL,
    agent_id       text,
    owner          text NOT NULL,
    role           text NOT NULL,
    model          text NOT NULL,
    at             bigint NOT NULL,
    -- UTC, as 2026-01-31.
    day            text COLLATE "C" NOT NULL,
    input_tokens   bigint,
    output_tokens  bigint,
    cached_tokens  bigint,
    -- Of the attempt at the call that it is reserved for.
    token          text,
    reserved       bigint,
    cost           bigint
  );
  CREATE INDEX spend_by_turn ON handoff.spend (turn_id);
  CREATE INDEX spend_by_task ON handoff.spend (task_id);
  CREATE INDEX spend_by_day ON handoff.spend (day, owner);
  CREATE INDEX spend_by_time ON handoff.spend (owner, at);
  -- What was used before calls were entered one by one: a row a turn.
  INSERT INTO handoff.spend
      (message_id, task_id, turn_id, owner, role, model, at, day, input_tokens, output_tokens, cached_tokens)
    SELECT turn_id || ':m', task_id, turn_id, owner, 'lead', model, at,
      to_char(to_timestamp(at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), input_tokens, output_tokens, cached_tokens
    FROM handoff.usage WHERE model IS NOT NULL;

  -- What persons added to caps, for a turn or (cap 'task') a task.
  CREATE TABLE handoff.spend_raises (
    question_id  text COLLATE "C" PRIMARY KEY,
    task_id      text NOT NULL,
    turn_id      text NOT NULL,
    cap          text NOT NULL CHECK (cap IN ('turn', 'task', 'user', 'day')),
    micros       bigint NOT NULL
  );
  CREATE INDEX spend_raises_by_task ON handoff.spend_raises (task_id);

  -- Reserves the most that a call can cost, in place of what was reserved for it before; or answers which cap that would go past, with
  -- what it allows and what is used or reserved of it. One at a time in the whole database, so that the sums hold across relays; each
  -- statement below the lock sees what was committed before it was taken.
  CREATE FUNCTION handoff.reserve_spend(
    p_message text, p_token text, p_task text, p_turn text, p_agent text, p_role text, p_model text, p_at bigint, p_day text, p_most bigint,
    p_turn_cap bigint, p_task_cap bigint, p_user_cap bigint, p_day_cap bigint,
    OUT cap text, OUT most bigint, OUT used bigint, OUT settled bigint
  )
  LANGUAGE plpgsql AS $$
  DECLARE
    whose text;
  BEGIN
    PERFORM pg_advisory_xact_lock(74200003);
    DELETE FROM handoff.spend s WHERE s.message_id = p_message;
    SELECT t.owner INTO whose FROM handoff.tasks t WHERE t.task_id = p_task;
    SELECT c.name, c.allowed, c.taken, c.paid INTO cap, most, used, settled FROM (
      SELECT 1 AS place, 'turn' AS name,
        p_turn_cap + (SELECT coalesce(sum(r.micros), 0) FROM handoff.spend_raises r
                      WHERE r.task_id = p_task AND r.turn_id = p_turn AND r.cap = 'turn') AS allowed,
        spent.taken AS taken, spent.paid AS paid
      FROM (SELECT coalesce(sum(coalesce(s.cost, s.reserved)), 0) AS taken, coalesce(sum(s.cost), 0) AS paid
            FROM handoff.spend s WHERE s.turn_id = p_turn) spent
      WHERE p_turn_cap IS NOT NULL
      UNION ALL
      SELECT 2, 'task',
        p_task_cap + (SELECT coalesce(sum(r.micros), 0) FROM handoff.spend_raises r
                      WHERE r.task_id = p_task AND r.cap = 'task'),
        spent.taken, spent.paid
      FROM (SELECT coalesce(sum(coalesce(s.cost, s.reserved)), 0) AS taken, coalesce(sum(s.cost), 0) AS paid
            FROM handoff.spend s WHERE s.task_id = p_task) spent
      WHERE p_task_cap IS NOT NULL
      UNION ALL
      SELECT 3, 'user',
        p_user_cap + (SELECT coalesce(sum(r.micros), 0) FROM handoff.spend_raises r
                      WHERE r.task_id = p_task AND r.turn_id = p_turn AND r.cap = 'user'),
        spent.taken, spent.paid
      FROM (SELECT coalesce(sum(coalesce(s.cost, s.reserved)), 0) AS taken, coalesce(sum(s.cost), 0) AS paid
            FROM handoff.spend s WHERE s.day = p_day AND s.owner = whose) spent
      WHERE p_user_cap IS NOT NULL
      UNION ALL
      SELECT 4, 'day',
        p_day_cap + (SELECT coalesce(sum(r.micros), 0) FROM handoff.spend_raises r
                     WHERE r.task_id = p_task AND r.turn_id = p_turn AND r.cap = 'day'),
        spent.taken, spent.paid
      FROM (SELECT coalesce(sum(coalesce(s.cost, s.reserved)), 0) AS taken, coalesce(sum(s.cost), 0) AS paid
            FROM handoff.spend s WHERE s.day = p_day) spent
      WHERE p_day_cap IS NOT NULL
    ) c WHERE c.taken + p_most > c.allowed ORDER BY c.place LIMIT 1;
    IF FOUND THEN RETURN; END IF;
    INSERT INTO handoff.spend (message_id, task_id, turn_id, agent_id, owner, role, model, at, day, token, reserved)
      VALUES (p_message, p_task, p_turn, p_agent, whose, p_role, p_model, p_at, p_day, p_token, p_most);
  END $$;
  `;
