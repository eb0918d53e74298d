import type { Database } from '../engine/database.ts';
import type { Link, PreviewStore } from './store.ts';

/** How long (ms) a link that is over is remembered, so that whoever has it open is told why it ended. */
const KEPT_MS = 7 * 24 * 3_600_000;

const LINK = `SELECT p.preview_id AS "previewId", p.task_id AS "taskId", p.port, p.created_at::float8 AS "createdAt",
    p.expires_at::float8 AS "expiresAt", p.key_hash AS "keyHash", p.cookie_hash AS "cookieHash",
    p.revoked OR t.archived AS "isRevoked"
  FROM handoff.previews p JOIN handoff.tasks t USING (task_id)`;

export function createPreviewStore(database: Database): PreviewStore {
  return {
    async add({ previewId, taskId, port, createdAt, expiresAt, keyHash }) {
      await database.query('DELETE FROM handoff.previews WHERE expires_at < $1', [createdAt - KEPT_MS]);
      await database.query(
        `INSERT INTO handoff.previews (preview_id, task_id, port, created_at, expires_at, key_hash)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (preview_id) DO NOTHING`,
        [previewId, taskId, port, createdAt, expiresAt, keyHash],
      );
    },

    async find(previewId) {
      const query = { name: 'preview', text: `${LINK} WHERE p.preview_id = $1`, values: [previewId] };
      return (await database.query<Link>(query)).rows[0];
    },

    async ofTask(taskId, now) {
      const { rows } = await database.query<Link>(
        `${LINK} WHERE p.task_id = $1 AND p.expires_at > $2 AND NOT p.revoked AND NOT t.archived
         ORDER BY p.created_at DESC, p.preview_id`,
        [taskId, now],
      );
      return rows;
    },

    async claim(previewId, cookieHash) {
      const { rowCount } = await database.query(
        `UPDATE handoff.previews SET cookie_hash = $2
         WHERE preview_id = $1 AND (cookie_hash IS NULL OR cookie_hash = $2)`,
        [previewId, cookieHash],
      );
      return rowCount === 1;
    },

    async revoke(taskId, previewId) {
      const { rowCount } = await database.query(
        'UPDATE handoff.previews SET revoked = true WHERE preview_id = $1 AND task_id = $2',
        [previewId, taskId],
      );
      return rowCount === 1;
    },

    async hasOpen(now) {
      const { rowCount } = await database.query(
        'SELECT 1 FROM handoff.previews WHERE expires_at > $1 AND NOT revoked LIMIT 1',
        [now],
      );
      return rowCount === 1;
    },
  };
}
