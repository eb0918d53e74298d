import assert from 'node:assert/strict';
import type { Parent } from '../../../../server/agent/agents/crew.ts';
import { lookOnceMore } from '../../../../server/agent/agents/ending.ts';
import type { TurnContext } from '../../../../server/agent/turn-context.ts';
import type { AgentCard, Evidence, Merged } from '../../../../server/protocol/agents.ts';
import type { NewEvent } from '../../../../server/protocol/events.ts';
import type { Item } from '../../../../server/protocol/task.ts';
import { blobOf } from '../../../../server/repo/blob-of.ts';
import { SandboxError } from '../../../../server/sandbox/sandbox.ts';

const [SEEN, LARGE, BASE, HEAD] = ['1'.repeat(40), '2'.repeat(40), '3'.repeat(40), '4'.repeat(40)];
const [EXPLORER, EXECUTOR] = ['t:m1c0', 't:m1c1'];

const card = (agentId: string, kind: AgentCard['kind'], more: Partial<AgentCard>): Item => ({
  ...{ kind: 'tool', callId: agentId, name: 'task', input: {}, startedAt: 0 },
  agent: {
    ...{ agentId, parentId: 't', role: kind, kind, description: '', depth: 1, model: 'm' },
    ...{ startedAt: 0, lastAt: 0, deadlineAt: 0, budget: { modelCalls: 1 }, modelCalls: 0, tokens: 0 },
    ...{ facts: [], ...more },
  },
});

/** What is told once an explorer's report is, where its files are now as `readFile` says. */
async function told(paths: string[], merged: Merged | undefined, readFile: (path: string) => unknown) {
  const evidence = paths.map((path): Evidence => ({ path, startLine: 1, endLine: 1, blob: SEEN }));
  const items = [
    card(EXPLORER, 'explorer', { facts: evidence }),
    card(EXECUTOR, 'executor', merged === undefined ? {} : { merged }),
  ];
  const events: NewEvent[] = [];
  const warned: unknown[] = [];
  const turn = {
    ...{ taskId: 'task', turnId: 't', claim: {}, mail: { mayBeThere: false } },
    states: { current: async () => ({ workspaceTree: HEAD, turns: [{ turnId: 't', items }] }) },
    log: {
      async append(_taskId: string, _claim: unknown, added: { event: NewEvent }[]) {
        events.push(...added.map(({ event }) => event));
        return { seq: 1, hasMessages: false };
      },
    },
    store: { get: async () => ({ prepared: { baseTree: BASE } }) },
    repo: {
      async changedBlobs(...of: unknown[]) {
        assert.deepEqual(of, ['task', BASE, HEAD]);
        return new Map([['large.bin', LARGE]]);
      },
    },
    logger: { warn: ({ err }: { err: unknown }) => warned.push(err) },
  } as unknown as TurnContext;
  const sandbox = { readFile: async (path: string) => readFile(path) };
  const parent = { kind: 'lead', agent: { id: 't', open: async () => sandbox } } as unknown as Parent;
  const result = { kind: 'explorer' as const, summary: 's', answer: 'a', evidence };
  await lookOnceMore(turn, parent, { agentId: EXPLORER, result });
  const stale = events.map((event) =>
    event.type === 'fact.staled' ? [event.agentId, event.path, event.blob, event.now, event.by] : event,
  );
  return { stale, warned };
}

const merged = (...changed: string[]): Merged => ({ changed, conflicts: [], isDiscarded: false });
const read = (path: string): { data: Uint8Array; size: number } => {
  if (path === 'folder') throw new SandboxError('is-directory', 'That is a folder.');
  if (path === 'gone.ts') throw new SandboxError('not-found', 'There is no such file.');
  const data = Buffer.from(path);
  return { data, size: path === 'large.bin' ? 20_000_000 : data.byteLength };
};

describe('what was merged while an explorer looked', () => {
  it('marks its facts as soon as they are handed up: changed, gone, a folder now, or too large to be looked at', async () => {
    const paths = ['a.ts', 'gone.ts', 'folder', 'large.bin', 'other.ts'];
    const { stale } = await told(paths, merged('a.ts', 'folder', 'gone.ts', 'large.bin'), read);
    assert.deepEqual(stale, [
      [EXPLORER, 'a.ts', SEEN, blobOf(Buffer.from('a.ts')), EXECUTOR],
      [EXPLORER, 'gone.ts', SEEN, null, EXECUTOR],
      [EXPLORER, 'folder', SEEN, null, EXECUTOR],
      [EXPLORER, 'large.bin', SEEN, LARGE, EXECUTOR],
    ]);
  });

  it('is looked for in the files where not all that was changed is named', async () => {
    const { stale } = await told(['a.ts'], { ...merged('b.ts'), changedCount: 900 }, read);
    assert.deepEqual(stale, [[EXPLORER, 'a.ts', SEEN, blobOf(Buffer.from('a.ts')), EXECUTOR]]);
  });

  it('costs nothing where there are no facts, or nothing was merged', async () => {
    const none = () => assert.fail('nobody reads');
    assert.deepEqual(await told([], merged('a.ts'), none), { stale: [], warned: [] });
    assert.deepEqual(await told(['a.ts'], undefined, none), { stale: [], warned: [] });
  });

  it('does not lose the report where the machine cannot be asked', async () => {
    const lost = new SandboxError('lost', 'The machine is gone.');
    const answer = await told(['a.ts'], merged('a.ts'), () => {
      throw lost;
    });
    assert.deepEqual(answer, { stale: [], warned: [lost] });
  });
});
