import { createHash } from 'node:crypto';

/** What providers take for the name of a tool: letters, digits, `_` and `-`, and no more of them. */
const MOST = 64;
const MARK = 6;

/**
 * The name by which a model calls a server's tool: the same in every turn, whatever else there is. One that had to be changed to be a
 * name ends in a mark of what it was, so that two never become one.
 * @param server has no `__`, and no `_` at an end (`McpName`)
 */
export function toolName(server: string, tool: string): string {
  const whole = `mcp__${server}__${tool}`;
  const fitting = whole.replace(/[^a-zA-Z0-9_-]/g, '_');
  if (fitting === whole && whole.length <= MOST) return whole;
  const mark = createHash('sha256').update(`${server}\0${tool}`).digest('hex').slice(0, MARK);
  return `${fitting.slice(0, MOST - MARK - 1)}_${mark}`;
}
