import assert from 'node:assert/strict';
import { onChangedLines } from '../../../../server/agent/agents/changed-lines.ts';
import { withBlobs } from '../../../../server/agent/agents/evidence.ts';
import { reportTool } from '../../../../server/agent/agents/report-tool.ts';
import { type ToolContext, ToolProblem } from '../../../../server/agent/tools/tool.ts';
import { blobOf } from '../../../../server/repo/blob-of.ts';
import { type Sandbox, SandboxError } from '../../../../server/sandbox/sandbox.ts';

const FILES: Record<string, string> = { 'a.ts': 'one\ntwo\n', 'b.ts': 'one', 'empty.ts': '' };
const reading: string[] = [];
const sandbox = {
  workdir: '/workspace',
  async readFile(path: string) {
    const text = FILES[path];
    if (text === undefined) throw new SandboxError('not-found', `There is no file ${path}.`);
    reading.push(path);
    return { data: Buffer.from(text), size: text.length, sha256: `sha of ${text}` };
  },
} as Partial<Sandbox> as Sandbox;
const place = (path: string, startLine: number, endLine = startLine) => ({ path, startLine, endLine });
const problem = (message: string) => (error: unknown) =>
  error instanceof ToolProblem && error.message === message;

const unseen = () => undefined;

describe('the evidence of a report', () => {
  beforeEach(() => reading.splice(0));

  it('is tied to the files as they are, by the names that Git gives them', async () => {
    assert.equal(blobOf(Buffer.from('what is up, doc?')), 'bd9dbf5aae1a3862dd1526723246b20206e5fc37');
    assert.deepEqual(await withBlobs(sandbox, [place('./a.ts', 1, 2), place('/workspace/b.ts', 1)], unseen), [
      { ...place('a.ts', 1, 2), blob: blobOf(Buffer.from('one\ntwo\n')) },
      { ...place('b.ts', 1), blob: blobOf(Buffer.from('one')) },
    ]);
  });

  it('is refused whole where some of it is not there, and each is named', async () => {
    await assert.rejects(
      withBlobs(
        sandbox,
        [place('a.ts', 1), place('a.ts', 2, 3), place('b.ts', 2, 1), place('c.ts', 1), place('empty.ts', 1)],
        unseen,
      ),
      problem(
        'The report is not taken, for some evidence is not there: a.ts:2-3 is beyond the file’s 2 lines; b.ts:2-1 ends before it begins; There is no file c.ts.; empty.ts:1-1 is beyond the file’s 0 lines. Look again, and report once more.',
      ),
    );
  });

  it('is what was read: refused where the file was changed beside, and good once that is read', async () => {
    const places = [place('a.ts', 1), place('b.ts', 1), place('empty.ts', 1)];
    const seen: Record<string, string | null> = { 'a.ts': 'sha of zero\none\ntwo\n', 'b.ts': 'sha of one' };
    await assert.rejects(
      withBlobs(sandbox, [...places.slice(0, 2), place('a.ts', 2)], (path) => seen[path]),
      problem(
        'The report is not taken, for some evidence is not there: a.ts has changed since you looked at it, read it again. Look again, and report once more.',
      ),
    );
    seen['a.ts'] = 'sha of one\ntwo\n';
    assert.deepEqual(await withBlobs(sandbox, places.slice(0, 2), (path) => seen[path]), [
      { ...place('a.ts', 1), blob: blobOf(Buffer.from('one\ntwo\n')) },
      { ...place('b.ts', 1), blob: blobOf(Buffer.from('one')) },
    ]);
  });

  it('is not what a search showed, where the file was changed beside: it has to be read', async () => {
    const handedUp: unknown[] = [];
    const report = reportTool({
      kind: 'explorer',
      keep: (check) => check(),
      changed: async () => [],
      assertTaken: async () => {},
      changedBeside: async () => (path) => ['a.ts', 'b.ts'].includes(path),
      onReported: (reported) => handedUp.push(reported),
    });
    const about = { summary: 'One place.', answer: 'Here.' };
    const context = {
      sandbox,
      known: (path) => (path.endsWith('b.ts') ? 'sha of one' : undefined),
    } as Partial<ToolContext> as ToolContext;
    const run = (...evidence: object[]) => report.run({ ...about, evidence }, context);
    await assert.rejects(
      run(place('./a.ts', 1), place('b.ts', 1)),
      problem(
        'The report is not taken, for some evidence is not there: ./a.ts has changed since you looked at it, read it again. Look again, and report once more.',
      ),
    );
    assert.equal(await run(place('b.ts', 1)), 'Reported.');
    const evidence = [{ ...place('b.ts', 1), blob: blobOf(Buffer.from('one')) }];
    assert.deepEqual(handedUp, [{ kind: 'explorer', ...about, evidence }]);
  });

  it('is looked at one file after the other, each once', async () => {
    let open = 0;
    const slow = {
      workdir: '/workspace',
      async readFile(path: string) {
        open += 1;
        assert.equal(open, 1, 'one file at a time');
        await new Promise(setImmediate);
        open -= 1;
        return sandbox.readFile(path);
      },
    } as Partial<Sandbox> as Sandbox;
    await withBlobs(slow, [place('a.ts', 1), place('b.ts', 1), place('a.ts', 2)], unseen);
    assert.deepEqual(reading, ['a.ts', 'b.ts']);
  });
});

describe('the findings of a review', () => {
  const files = [
    {
      path: 'a.ts',
      hunks: [
        { newStart: 3, newLines: 2 },
        { newStart: 9, newLines: 0 },
      ],
    },
    { path: 'picture.png', hunks: [] },
  ];
  const finding = (path: string, startLine: number, endLine = startLine) => ({
    ...place(path, startLine, endLine),
    ...{ severity: 'major' as const, text: 'Wrong.' },
  });

  it('are on lines that were changed, or beside what was taken out', () => {
    const good = [
      finding('a.ts', 1, 3),
      finding('a.ts', 4, 20),
      finding('a.ts', 9),
      finding('a.ts', 10),
      finding('picture.png', 1),
    ];
    assert.deepEqual(onChangedLines(good, files), good);
  });

  it('are refused elsewhere, with the lines that were changed', () => {
    assert.throws(
      () => onChangedLines([finding('a.ts', 3), finding('a.ts', 5, 8), finding('b.ts', 1)], files),
      problem(
        'The report is not taken, for some findings are not on changed lines. a.ts:5-8: the changed lines of that file are 3-4, 9-10; b.ts:1-1: that file was not changed. Name the changed lines that cause them, or leave them out.',
      ),
    );
  });
});
