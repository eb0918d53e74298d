import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createRelayClient, type RelayClient, RelayError } from '../../../server/protocol/client.ts';
import type { TaskState } from '../../../server/protocol/task.ts';
import { commitAll } from '../../fakes/sample.ts';
import { withDatabase } from '../turn/database.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';
import { anew, bytes, fileOf, type Line, linesOf, saying } from './transfer-file.ts';

const call = (name: string, args: Record<string, unknown>) => ({ toolCalls: [{ name, arguments: args }] });
const GATE = 'while [ ! -e gate ]; do sleep 0.02; done';
const SAM = 'token-of-sam-0123456789';
const MODEL_KEY = 'sk-never-to-be-seen';

describe('a task as one file', function () {
  this.timeout(120_000);
  let from: Workshop;
  let to: Workshop;
  let sam: RelayClient;
  let taskId: string;
  let file: Uint8Array;
  let exported: TaskState;

  before(async () => {
    from = await openWorkshop(
      [
        {
          when: ({ messages }) => messages.some(({ content }) => content === 'Wait'),
          steps: [call('bash', { command: `printf half > half.txt; echo begun; ${GATE}` })],
        },
        {
          steps: [
            call('write', { path: 'NOTES.md', content: 'Written on the first relay\n' }),
            call('bash', { command: `printf '\\0\\1' > logo.bin; printf 'a\\0b'` }),
            { text: 'Done.' },
          ],
        },
      ],
      { HANDOFF_MODEL_API_KEY: MODEL_KEY },
      MODEL_KEY,
    );
    to = await openWorkshop(
      [
        {
          steps: [],
          otherwise: ({ messages }) =>
            messages.at(-1)?.role === 'tool'
              ? { text: 'Read.' }
              : call('bash', { command: 'git status --porcelain; cat NOTES.md half.txt 2>/dev/null; true' }),
        },
      ],
      { HANDOFF_USERS: JSON.stringify({ sam: SAM }) },
    );
    sam = createRelayClient({ url: to.url, token: SAM });
    // A history, of which the relay fetches the last commit alone.
    await commitAll(from.repo);
    taskId = await from.delegate('Take notes');
    await from.watch(taskId).until('turn.ended');
    const { revision, files } = await from.client.changes(taskId);
    const accepted = files.map(({ path }) => ({ path, hunks: 'all' as const }));
    await from.client.putReview(taskId, { revision, accepted });
    file = await from.client.exportTask(taskId);
    exported = await from.client.getTask(taskId);
  });
  after(async () => {
    // Their sandboxes would outlive the test.
    for (const client of [sam, to.client])
      for (const task of (await client.listTasks()).tasks) await client.archive(task.taskId);
    await from.close();
    await to.close();
  });

  const importInvalid = async (lines: Line[], message: RegExp): Promise<void> => {
    await assert.rejects(to.client.importTask(fileOf(lines)), (error) => {
      assert.ok(error instanceof RelayError);
      assert.deepEqual([error.code, error.status], ['import_invalid', 400]);
      assert.match(error.message, message);
      return true;
    });
  };
  const nothingIsLeft = async (): Promise<void> => {
    const folder = async (name: string) => readdir(join(to.data, name)).catch(() => []);
    assert.deepEqual(
      [await to.client.listTasks(), await folder('repos'), await folder('transfers')],
      [{ tasks: [] }, [], []],
    );
  };

  it('has a name, and no credential of the relay', async () => {
    const answer = await fetch(`${from.url}/v1/tasks/${taskId}/export`, {
      headers: { authorization: `Bearer ${from.token}` },
    });
    assert.deepEqual(
      [answer.headers.get('content-disposition'), answer.headers.get('content-type')],
      [`attachment; filename="handoff-${taskId.slice(0, 8)}.handoff-task.gz"`, 'application/gzip'],
    );
    const text = gunzipSync(await answer.arrayBuffer()).toString();
    assert.deepEqual([text.includes(MODEL_KEY), text.includes(from.token)], [false, false]);
    assert.deepEqual(await readdir(join(from.data, 'transfers')), []);
  });

  describe('that is not sound', () => {
    const changed = (kind: string, change: (line: Line) => Line | undefined): Line[] => {
      let isDone = false;
      return linesOf(file).flatMap((line) => {
        if (isDone || line.line !== kind) return [line];
        isDone = true;
        return change(line) ?? [];
      });
    };
    afterEach(nothingIsLeft);

    it('is refused where it is no such file', async () => {
      await assert.rejects(to.client.importTask(bytes(Buffer.from('hello'))), {
        code: 'import_invalid',
        message: 'Line 1 of the file: the file is damaged, or not one that was exported.',
      });
    });
    it('is refused where it is cut off, anywhere', async () => {
      for (const part of [0.2, 0.9, 0.999]) {
        const cut = bytes(file.subarray(0, Math.floor(file.length * part)));
        await assert.rejects(to.client.importTask(cut), { code: 'import_invalid' });
      }
      await importInvalid(linesOf(file).slice(0, -1), /ends before its end/);
    });
    it('is refused where an event is missing, twice, or none', async () => {
      await importInvalid(
        changed('event', () => undefined),
        /^Line \d+ of the file: event 2 does not follow event 0/,
      );
      const twice = linesOf(file);
      const second = twice.findIndex(({ seq, line }) => line === 'event' && seq === 2);
      await importInvalid(twice.toSpliced(second, 0, ...twice.slice(second, second + 1)), /does not follow/);
      await importInvalid(
        changed('event', (line) => ({ ...line, type: 'made.up' })),
        /the event type/,
      );
    });
    it('is refused where two events have one key', async () => {
      const lines = linesOf(file).map((line) => (line['seq'] === 3 ? { ...line, key: 'created' } : line));
      await importInvalid(lines, /two events have the same key/);
    });
    it('is refused where it would write outside the task’s own names', async () => {
      const refs = { 'refs/handoff/../../escaped': exported.source?.commit };
      await importInvalid(
        changed('repository', (line) => ({ ...line, refs })),
        /escaped: Invalid key in record/,
      );
    });
    it('is refused where a ref keeps something else than its name says, or one of what was pushed', async () => {
      const commit = exported.source?.commit ?? '';
      const withRef = (name: string): Line[] =>
        changed('repository', (line) => ({
          ...line,
          refs: { ...(line['refs'] as Record<string, string>), [`refs/handoff/${name}`]: commit },
        }));
      await importInvalid(withRef(`commit/${commit}`), /commit\/\w+: Invalid key in record/);
      const tree = exported.proposal?.headTree ?? '';
      for (const kind of ['proposal', 'accepted', 'fetched'])
        await importInvalid(withRef(`${kind}/${tree}`), /does not keep what it is named after/);
    });
    it('is refused where its repository lacks something, or is damaged', async () => {
      const pack = Buffer.from(String(linesOf(file).find(({ line }) => line === 'pack')?.['data']), 'base64');
      pack.writeUInt8(pack.readUInt8(40) ^ 1, 40);
      await importInvalid(
        changed('pack', (line) => ({ ...line, data: pack.toString('base64') })),
        /Its objects are damaged/,
      );
      await importInvalid(
        changed('repository', () => undefined),
        /the repository is missing/,
      );
      const held = { type: 'workspace.set', body: { headTree: 'a'.repeat(40) } };
      await importInvalid(saying(linesOf(file), [held]), /It lacks the object a{40}/);
    });
    it('is refused where it begins with something else than its source', async () => {
      const tree = exported.proposal?.headTree ?? '';
      const prepared = { baseCommit: exported.source?.commit, baseTree: tree };
      const slipped = changed('task', (line) => ({ ...line, prepared }));
      await importInvalid(slipped, /the proposal is not compared with what the task began with/);
      // Consistent with itself: log, record and refs all say that the agent's work was there from the start.
      const base = exported.proposal?.baseTree ?? '';
      const lying = slipped.map((line) => {
        if (line['type'] === 'proposal.changed')
          return { ...line, body: { ...(line['body'] as Record<string, unknown>), baseTree: tree } };
        if (line.line !== 'repository') return line;
        const refs = line['refs'] as Record<string, string>;
        return { ...line, refs: { ...refs, 'refs/handoff/base': refs[`refs/handoff/proposal/${tree}`] } };
      });
      await importInvalid(lying, /begins with something else than its record says/);
      const overlay = [{ path: 'slipped.txt', mode: '100644', content: 'aGk=' }];
      const source = { ...(linesOf(file)[0]?.['source'] as object), overlay };
      const more = changed('task', (line) => ({ ...line, source }));
      await importInvalid(more, /begins with something else than its record says/);
      const other = { baseCommit: 'a'.repeat(40), baseTree: base };
      await importInvalid(
        changed('task', (line) => ({ ...line, prepared: other })),
        /It lacks the object a{40}/,
      );
    });
    it('is refused where its source has a credential, or its task is not first', async () => {
      const source = { url: 'https://sam:secret@example.com/x.git', commit: exported.source?.commit };
      await importInvalid(
        changed('task', (line) => ({ ...line, source })),
        /^Line 1 of the file: source\.url: must not contain credentials/,
      );
      await importInvalid(linesOf(file).slice(1), /^Line 1 of the file: a file is about one task/);
    });
    it('is refused where it nests what nobody could write, or numbers what no column holds', async () => {
      const deep = (depth: number): Uint8Array<ArrayBuffer> => {
        const { lines } = anew(saying(linesOf(file), [{ type: 'tool.started', body: { input: '<deep>' } }]));
        const more = { turnId: 't', callId: 'c', name: 'bash' };
        const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
        const nested = text.replace(
          '"input":"<deep>"',
          () => `"input":${'['.repeat(depth)}${']'.repeat(depth)}`,
        );
        return bytes(
          gzipSync(
            nested.replace('"body":{"input":[', `"body":{${JSON.stringify(more).slice(1, -1)},"input":[`),
          ),
        );
      };
      for (const depth of [6000, 1_000_000])
        await assert.rejects(to.client.importTask(deep(depth)), {
          code: 'import_invalid',
          message: /nested too deeply|the database cannot keep what is there/,
        });
      await importInvalid(
        changed('task', (line) => ({ ...line, seq: 2 ** 31 })),
        /^Line 1 of the file: seq: Too big/,
      );
    });
    it('is refused where a line has no end: a small file may claim to be endless', async () => {
      const endless = new Uint8Array(gzipSync(Buffer.alloc(80 * 2 ** 20, 'x')));
      await assert.rejects(to.client.importTask(endless), {
        code: 'import_invalid',
        message: 'Line 1 of the file: it is too long.',
      });
    });
  });

  describe('on another relay', () => {
    before(async () => {
      const imported = await sam.importTask(bytes(file));
      assert.deepEqual(imported, { taskId, seq: exported.seq + 3 });
    });

    it('is the same task, of whoever imported it, who has accepted nothing yet', async () => {
      const state = await sam.getTask(taskId);
      const { seq, updatedAt, sandbox, ...rest } = state;
      const { seq: _seq, updatedAt: _at, sandbox: _sandbox, review, ...expected } = exported;
      const nothing = { revision: review?.revision, acceptedTree: exported.proposal?.baseTree, files: [] };
      assert.notDeepEqual(review?.files, []);
      assert.deepEqual(rest, { ...expected, review: nothing });
      assert.deepEqual(
        [seq, updatedAt > exported.updatedAt, sandbox?.state],
        [exported.seq + 3, true, 'gone'],
      );
      await assert.rejects(to.client.getTask(taskId), { code: 'not_found' });
    });

    it('names no folder of a machine whose files its new person may not read', async () => {
      const { rows } = await withDatabase(to.data, (client) =>
        client.query<{ source: Record<string, unknown> }>(
          `SELECT spec -> 'source' AS source FROM handoff.tasks WHERE task_id = $1`,
          [taskId],
        ),
      );
      const [{ source } = { source: {} }] = rows;
      assert.deepEqual(Object.keys(source).sort(), ['branch', 'commit']);
    });

    it('is reviewed as before: what had been proposed is there', async () => {
      const { files, ...proposal } = await sam.changes(taskId);
      assert.deepEqual({ files, ...proposal }, await from.client.changes(taskId));
      const logo = files.find(({ path }) => path === 'logo.bin')?.newOid ?? '';
      assert.deepEqual(Buffer.from(await sam.blob(taskId, logo)), Buffer.from([0, 1]));
      const { revision } = proposal;
      const { acceptedTree } = await sam.putReview(taskId, {
        revision,
        accepted: [{ path: 'NOTES.md', hunks: 'all' }],
      });
      assert.match(
        Buffer.from(await sam.patch(taskId, acceptedTree)).toString(),
        /Written on the first relay/,
      );
    });

    it('is not imported a second time', async () => {
      for (const client of [sam, to.client])
        await assert.rejects(client.importTask(bytes(file)), { code: 'conflict', status: 409 });
    });

    it('goes on from what was proposed', async () => {
      const { turnId } = await sam.sendMessage(taskId, { clientId: randomUUID(), text: 'Read it' });
      const state = await settled(sam, taskId, turnId);
      const turn = state.turns.at(-1);
      const [tool] = turn?.items.filter((item) => item.kind === 'tool') ?? [];
      assert.deepEqual(
        [turn?.outcome, tool?.output, state.proposal],
        ['completed', '?? NOTES.md\n?? logo.bin\nWritten on the first relay', exported.proposal],
      );
      assert.equal(state.sandbox?.state, 'running');
    });
  });

  describe('that says more than is true', () => {
    const decided = async (copy: string): Promise<string> => {
      const { revision } = await to.client.changes(copy);
      const accepted = [{ path: 'NOTES.md', hunks: 'all' as const }];
      return (await to.client.putReview(copy, { revision, accepted })).acceptedTree;
    };

    it('does not choose the branch that is pushed to', async () => {
      const published = { publishId: randomUUID(), branch: 'main' };
      const { taskId: copy, lines } = anew(
        saying(linesOf(file), [
          { type: 'publish.started', body: { ...published, acceptedTree: exported.review?.acceptedTree } },
        ]),
      );
      await to.client.importTask(fileOf(lines));
      const { publish } = await to.client.getTask(copy);
      assert.deepEqual([publish?.branch, publish?.stage], ['main', 'failed']);
      const author = { name: 'Sam', email: 'sam@example.com' };
      const acceptedTree = await decided(copy);
      const again = await to.client.openPullRequest(
        copy,
        { acceptedTree, title: 'Notes', author },
        'a-token',
      );
      assert.equal(again.branch, `handoff/take-notes-${copy.slice(0, 8)}`);
    });

    it('allows nothing that nobody here has allowed', async () => {
      const { taskId: copy, lines } = anew(
        saying(linesOf(file), [
          { type: 'unattended.armed', body: { until: Date.now() + 3_600_000 } },
          { type: 'follow.changed', body: { autoFix: 5 } },
        ]),
      );
      await to.client.importTask(fileOf(lines));
      const { unattendedUntil, follow } = await to.client.getTask(copy);
      assert.deepEqual([unattendedUntil, follow], [undefined, { autoFix: 0, fixes: 0 }]);
      assert.deepEqual(await to.client.unattended(copy), {});
    });

    it('is not published before a person here has accepted it', async () => {
      const { headTree = '', revision } = exported.proposal ?? {};
      const body = { revision, decisions: [], acceptedTree: headTree };
      const { taskId: copy, lines } = anew(saying(linesOf(file), [{ type: 'review.decided', body }]));
      await to.client.importTask(fileOf(lines));
      const command = { acceptedTree: headTree, title: 'Notes' };
      await assert.rejects(to.client.openPullRequest(copy, command, 'a-token'), {
        code: 'tree_not_accepted',
      });
    });
  });

  describe('of which a turn is under way', () => {
    it('ends what was under way, and keeps what nobody had read', async () => {
      const running = await from.delegate('Wait');
      const watched = from.watch(running);
      await watched.until('tool.output');
      await from.client.sendMessage(running, { clientId: 'client-unread', text: 'Unread' });
      const cutOff = await from.client.exportTask(running);
      await to.client.importTask(bytes(cutOff));

      const imported = await to.client.getTask(running);
      const [turn] = imported.turns;
      assert.deepEqual(
        [imported.status, turn?.outcome, turn?.error?.code, imported.queue.map(({ text }) => text)],
        ['failed', 'failed', 'interrupted', ['Unread']],
      );
      const { turnId } = await to.client.sendMessage(running, { clientId: randomUUID(), text: 'And this' });
      const { turns } = await settled(to.client, running, turnId);
      const said = turns.at(-1)?.items.flatMap((item) => (item.kind === 'user' ? [item.text] : []));
      assert.deepEqual(said, ['Unread', 'And this']);
      await from.client.stop(running);
      await watched.until('turn.ended');
    });
  });
});

/** The task once that turn has ended. */
async function settled(client: RelayClient, taskId: string, turnId: string): Promise<TaskState> {
  const end = new AbortController();
  await client.events(taskId, 0, {
    signal: end.signal,
    onEvent: (event) => {
      if (event.type === 'turn.ended' && event.turnId === turnId) end.abort();
    },
  });
  return client.getTask(taskId);
}
