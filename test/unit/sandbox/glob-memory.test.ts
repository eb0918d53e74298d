import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Each with a path of almost four kilobytes: together far more than the heap of a supervisor. */
const FILES = 30_000;
const FOLDERS = 15;
const HEAP_MIB = 64;

const PROGRAM = `
  const { ripgrepSearch } = await import(process.argv[1]);
  const { signal } = new AbortController();
  const found = await ripgrepSearch(process.argv[2]).glob({ op: 'glob', pattern: '**', limit: 3 }, signal);
  console.log(JSON.stringify({ ...found, matches: found.matches.map((path) => path.split('/').at(-1)) }));
`;

describe('finding files in a tree that has more names than there is memory for', () => {
  let root: string;
  before(function () {
    this.timeout(60_000);
    root = fs.mkdtempSync(join(tmpdir(), 'handoff-glob-'));
    const folder = join(root, ...Array.from({ length: FOLDERS }, () => 'x'.repeat(250)));
    fs.mkdirSync(folder, { recursive: true });
    for (let index = 0; index < FILES; index += 1)
      fs.closeSync(fs.openSync(join(folder, String(index)), 'w'));
    for (const [name, year] of [
      ['7', 2041],
      ['29000', 2040],
      ['15000', 2041],
      ['3', 2039],
    ] as const)
      fs.utimesSync(join(folder, name), new Date(`${year}-01-01`), new Date(`${year}-01-01`));
  });
  after(function () {
    this.timeout(60_000);
    fs.rmSync(root, { recursive: true });
  });

  it('answers with the newest, says that there are more, and lives', async () => {
    const module = new URL('../../../server/sandbox/supervisor/search.ts', import.meta.url).href;
    const args = [`--max-old-space-size=${HEAP_MIB}`, '--input-type=module', '-e', PROGRAM, module, root];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    assert.deepEqual(JSON.parse(stdout), { matches: ['15000', '7', '29000'], truncated: true });
  }).timeout(60_000);
});
