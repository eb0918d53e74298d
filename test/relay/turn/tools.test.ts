import assert from 'node:assert/strict';
import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Step } from '../../fakes/model/script.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const call = (name: string, args: Record<string, unknown>): Step => ({
  toolCalls: [{ name, arguments: args }],
});
/** What the last call answered, as the model reads it. */
const lastResult = ({ messages }: ChatRequest): string =>
  messages.findLast(({ role }) => role === 'tool')?.content ?? '';
/** A call of `read` for the handle that the last result names. */
const readNamed =
  (pattern: RegExp, more: object = {}): Step =>
  (request) => {
    const path = pattern.exec(lastResult(request))?.[0] ?? '';
    return { toolCalls: [{ name: 'read', arguments: { path, ...more } }] };
  };

describe('the tools of a turn', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('give what they left out by its handle, run commands in the background, and reach no net by themselves', async () => {
    workshop = await openWorkshop([
      {
        steps: [
          call('bash', { command: 'seq 20000' }),
          readNamed(/output:\/\/[^ ]+\/stdout/, { offset: 9999, limit: 2 }),
          call('bash', { command: 'echo up; sleep 300', background: true }),
          readNamed(/output:\/\/[^ ]+\/stdout/),
          (request) => {
            const handle = /output:\/\/[^ /]+/.exec(JSON.stringify(request.messages.at(-2)?.toolCalls))?.[0];
            return { toolCalls: [{ name: 'stop_command', arguments: { handle: handle ?? '' } }] };
          },
          call('fetch', { url: 'http://127.0.0.1/' }),
          call('read', { path: 'README.md', limit: 1 }),
          { text: 'Done.' },
        ],
      },
    ]);
    const watched = workshop.watch(await workshop.delegate('Try'));
    await watched.until('turn.ended');
    const results = watched.events.flatMap((event) => (event.type === 'tool.finished' ? [event] : []));
    const id = (n: number) => results[n]?.callId ?? '';
    assert.match(results[0]?.output ?? '', new RegExp(`: read output://${id(0)}/stdout with offset \\d+\\]`));
    assert.deepEqual(
      results.slice(1).map(({ output }) => output),
      [
        `9999: 9999\n10000: 10000\n[output://${id(0)}/stdout has 20000 lines; go on with offset 10001]`,
        `It runs in the background. What it prints, and whether it still runs: read output://${id(2)}/stdout or output://${id(2)}/stderr. To end it: stop_command output://${id(2)}. The end of your turn ends it, too.`,
        '1: up\n[the command still runs; to wait for it, run a command that does, such as sleep 30]',
        'It does not run any more.',
        "This task may not reach 127.0.0.1. The person allows hosts by the relay's setting HANDOFF_NETWORK (and .handoff/config.json may narrow it). Go on without it, or say that it is needed.",
        results.at(-1)?.output,
      ],
    );
    assert.deepEqual(
      results.map(({ files = [] }) => files.map(({ path }) => path)),
      [[], [], [], [], [], [], ['README.md']],
    );
  });
});
