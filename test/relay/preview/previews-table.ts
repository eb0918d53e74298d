import type pg from 'pg';

/** The table of links, where the relay's own migrations have not made it yet. */
export async function previewsTable(pool: pg.Pool): Promise<void> {
  await pool.query(`
    CREATE TABLE IF NOT EXISTS handoff.previews (
      preview_id  text PRIMARY KEY,
      task_id     text NOT NULL REFERENCES handoff.tasks ON DELETE CASCADE,
      port        integer NOT NULL,
      created_at  bigint NOT NULL,
      expires_at  bigint NOT NULL,
      -- SHA-256, hex: of what opens the link once, and of what the browser that did has from then on.
      key_hash    text NOT NULL,
      cookie_hash text,
      revoked     boolean NOT NULL DEFAULT false
    );
    CREATE INDEX IF NOT EXISTS previews_by_task ON handoff.previews (task_id);
    CREATE INDEX IF NOT EXISTS previews_by_end ON handoff.previews (expires_at)`);
}
