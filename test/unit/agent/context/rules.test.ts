import assert from 'node:assert/strict';
import type { Agent } from '../../../../server/agent/agent.ts';
import { createRuleTeller } from '../../../../server/agent/context/rules.ts';
import { createTranscript } from '../../../../server/agent/transcript.ts';
import type { TurnContext } from '../../../../server/agent/turn-context.ts';
import type { NewEvent } from '../../../../server/protocol/events.ts';

/** What is told of the rules in `src` once something there is touched. */
async function told(file: string, hide: (text: string) => string): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  const data = Buffer.from(file);
  const sandbox = {
    workdir: '/workspace',
    glob: async () => ({ matches: ['src/AGENTS.md'], truncated: false }),
    readFile: async (_path: string, { offset, length }: { offset: number; length: number }) => ({
      ...{ data: data.subarray(offset, offset + length), size: data.byteLength, sha256: '' },
    }),
  };
  // What is called of a turn and of an agent; all else would fail as not being there.
  const turn = {
    ...{ taskId: 'task', turnId: 'turn', claim: { turnId: 'turn', epoch: 1 }, mail: { mayBeThere: false } },
    hide: (_taskId: string, text: string) => hide(text),
    log: {
      async append(_taskId: string, _claim: unknown, added: { event: NewEvent }[]) {
        events.push(...added.map(({ event }) => event));
        return { hasMessages: false };
      },
    },
  } as unknown as TurnContext;
  const agent = { id: 'turn', by: {}, open: async () => sandbox } as unknown as Agent;
  const rules = createRuleTeller(turn, agent);
  const calls = [{ callId: 'turn:m1c0', name: 'read', input: { path: 'src/a.ts' } }];
  rules.asked(calls);
  await rules.acted(calls, createTranscript());
  return events;
}

const found = (text: string) => ({ type: 'rules.found', turnId: 'turn', path: 'src/AGENTS.md', text });

describe('the rules of a part of the repository', () => {
  it('are told as they are, and nothing where there are none', async () => {
    assert.deepEqual(await told('\n Be kind.\n', String), [found('Be kind.')]);
    assert.deepEqual(await told(' \n', String), []);
  });

  it('are told without a secret, also where they are cut within it', async () => {
    const hide = (text: string): string => text.replaceAll('token-4711', '[secret]');
    const file = `${'a'.repeat(7_995)}token-4711${'b'.repeat(100_000)}`;
    assert.deepEqual(await told(file, hide), [
      found(
        `${'a'.repeat(7_995)}[secr\n[src/AGENTS.md is longer: 108005 bytes. Read the rest where you need it.]`,
      ),
    ]);
  });
});
