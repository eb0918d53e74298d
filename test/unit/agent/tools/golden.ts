import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ToolBench } from '../../../fakes/tool-bench.ts';

/** Set, the golden files are written anew instead of compared: `HANDOFF_GOLDEN=write`. */
const isRewriting = process.env['HANDOFF_GOLDEN'] === 'write';

const ROOT = join(import.meta.dirname, '../../../fixtures/golden');

/** The exact text that a model reads of one call: an interface, so every change of one is to be seen in review. */
export function assertGolden(bench: ToolBench, tool: string, name: string, text: string): void {
  const path = join(ROOT, tool, `${name}.txt`);
  const shown = `${abridged(text.replaceAll(bench.workspace, '/workspace'))}\n`;
  if (isRewriting) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, shown);
    return;
  }
  assert.equal(shown, readFileSync(path, 'utf8'));
}

/** UTF-16 units of a text's beginning and end that are kept to be read; of what is between them, a digest. */
const KEPT = 700;

function abridged(text: string): string {
  if (text.length <= 3 * KEPT) return text;
  const middle = text.slice(KEPT, -KEPT);
  const digest = createHash('sha256').update(middle).digest('hex');
  return `${text.slice(0, KEPT)}\n<<< ${middle.length} characters, SHA-256 ${digest} >>>\n${text.slice(-KEPT)}`;
}

/** A text that nobody compares any more says nothing of what models read. */
export function assertNoStray(tool: string, names: readonly string[]): void {
  const files = readdirSync(join(ROOT, tool));
  const strays = files.filter((file) => !names.includes(file.replace(/\.txt$/, '')));
  if (isRewriting) for (const stray of strays) rmSync(join(ROOT, tool, stray));
  else assert.deepEqual(strays, []);
}
