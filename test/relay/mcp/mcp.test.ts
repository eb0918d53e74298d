import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type FakeMcpServer, startMcpServer } from '../../fakes/mcp/http-server.ts';
import { child, did, task } from '../../fakes/model/agents.ts';
import type { Scenario, Script, ToolCall } from '../../fakes/model/script.ts';
import { delegateWith, notes, results } from '../turn/own-source.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const PROGRAM = new URL('../../fakes/mcp/stdio-server.mjs', import.meta.url);
const TOKEN = 'tracker-token-4711';

const Offered = z.object({ function: z.looseObject({ name: z.string() }) });

const call = (name: string, input: Record<string, unknown> = {}): ToolCall => ({ name, arguments: input });
const play = (...steps: ToolCall[][]): Scenario => [
  { steps: [...steps.map((toolCalls) => ({ toolCalls })), { text: 'Done.' }] },
];

describe('MCP servers of a turn', function () {
  this.timeout(120_000);
  let tracker: FakeMcpServer;
  let workshop: Workshop;
  let program: string;
  before(async () => {
    program = await readFile(PROGRAM, 'utf8');
  });
  afterEach(async () => {
    await workshop.close();
    await tracker.close();
  });

  async function open(scenario: Scenario): Promise<void> {
    tracker = await startMcpServer(TOKEN);
    const headers = { Authorization: `Bearer ${TOKEN}` };
    const owners = { tracker: { url: tracker.url, headers }, unwanted: { url: 'http://127.0.0.1:1/' } };
    workshop = await openWorkshop(scenario, { HANDOFF_MCP: JSON.stringify(owners) });
  }
  const files = (mcp: Record<string, unknown> = {}): Record<string, string> => ({
    'own.mjs': program,
    '.handoff/config.json': JSON.stringify({
      mcp: {
        own: { command: ['node', 'own.mjs'], env: { COLOUR: 'green' } },
        unwanted: { off: true },
        ...mcp,
      },
    }),
  });
  const inWorkspace = async (path: string): Promise<string> =>
    readFile(join(await workshop.workspace(), path), 'utf8');

  it('have tools that the agent uses as its own, and nothing that they do fails the turn', async () => {
    await open(
      play(
        [call('mcp__own__echo', { text: 'hello' }), call('mcp__tracker__find', { q: 'bug' })],
        [call('mcp__own__note', { text: 'one' }), call('mcp__own__env', { name: 'COLOUR' })],
        [call('mcp__own__fail'), call('mcp__own__big'), call('mcp__own__draw')],
        [call('mcp__own__crash'), call('mcp__own__note', { text: 'two' })],
        [call('mcp__tracker__add', { text: 'x' }), call('mcp__tracker__repeat'), call('mcp__gone__any')],
        [call('mcp__tracker__refuse')],
      ),
    );
    const { watch } = await delegateWith(workshop, files({ gone: { command: ['no-such-server'] } }));
    const end = await watch.until('turn.ended');
    const big = results(watch).find(([name]) => name === 'mcp__own__big')?.[1] ?? '';
    assert.match(
      big,
      /^a{15000}\n\[10000 characters left out here; read output:\/\/\S+\/page shows them\]\nb{15000}$/,
    );
    assert.deepEqual(
      results(watch).filter(([name]) => name !== 'mcp__own__big' && name !== 'mcp__gone__any'),
      [
        ['mcp__own__echo', 'hello', false],
        ['mcp__tracker__find', 'found bug', false],
        ['mcp__own__note', 'noted', false],
        ['mcp__own__env', 'green', false],
        ['mcp__own__fail', 'It is broken.', true],
        ['mcp__own__draw', '[image, image/png, 70 bytes: not shown]', false],
        [
          'mcp__own__crash',
          'The MCP server own ended with exit code 3; it printed: Cannot go on. Whether the call took effect is unknown.',
          true,
        ],
        ['mcp__own__note', 'noted', false],
        ['mcp__tracker__add', 'added', false],
        ['mcp__tracker__repeat', 'I was sent [secret of the MCP server tracker].', false],
        [
          'mcp__tracker__refuse',
          'The MCP server tracker answered with an error: not for [secret of the MCP server tracker].',
          true,
        ],
      ],
    );
    assert.deepEqual(
      {
        outcome: end.outcome,
        notes: notes(watch),
        added: tracker.added,
        wrote: await inWorkspace('notes.txt'),
      },
      {
        outcome: 'completed',
        notes: [
          'The MCP server gone ended with exit code 127; it printed: no-such-server: command not found. Its tools are not there in this turn.',
        ],
        added: ['x'],
        wrote: 'one\ntwo\n',
      },
    );

    const offered = z.array(Offered).parse(workshop.model.requests[0]?.body['tools']);
    const ofServers = offered.map((one) => one.function).filter(({ name }) => name.startsWith('mcp__'));
    assert.deepEqual(
      ofServers.map(({ name }) => name),
      [
        ...['echo', 'note', 'wait', 'env', 'fail', 'big', 'draw', 'crash'].map((name) => `mcp__own__${name}`),
        ...['find', 'add', 'repeat', 'huge', 'refuse'].map((name) => `mcp__tracker__${name}`),
      ],
    );
    assert.deepEqual(ofServers.at(8), {
      name: 'mcp__tracker__find',
      description: 'From the MCP server tracker, in its own words: Finds.[2J',
      parameters: { type: 'object', properties: { q: { type: 'string' } } },
    });
    const said = JSON.stringify([watch.events, workshop.model.requests]) + workshop.log();
    assert.equal(said.includes(TOKEN), false, 'the token was seen somewhere');
  });

  it('are called once: what a relay that was killed had begun is told as unknown, and the server is started anew', async () => {
    await open(play([call('mcp__own__wait')], [call('mcp__own__echo', { text: 'again' })]));
    const { watch } = await delegateWith(workshop, files());
    await watch.until('tool.output', ({ text }) => text === '1/2 halfway\n');
    await workshop.kill();
    await workshop.start();
    await watch.until('turn.ended');
    assert.deepEqual(results(watch), [
      ['mcp__own__wait', '[interrupted: whether it took effect is unknown]', true],
      ['mcp__own__echo', 'again', false],
    ]);
    assert.equal(await inWorkspace('waits.txt'), 'began\n');
    const tools = workshop.model.requests.map((request) => JSON.stringify(request.body['tools']));
    assert.deepEqual([...new Set(tools)].length, 1, 'the requests of one turn begin differently');
  });

  it('are there again for the lead whose machine stopped to be copied, and in the copies', async () => {
    const note = (text: string): { toolCalls: ToolCall[] } => ({
      toolCalls: [call('mcp__own__note', { text })],
    });
    const built = (prompt: string): Script => child(prompt, note(prompt), did(`${prompt} is there.`));
    await open([
      built('two'),
      built('three'),
      {
        steps: [
          note('one'),
          { toolCalls: [task('two', { role: 'executor' })] },
          {
            toolCalls: [
              call('mcp__own__echo', { text: 'still here' }),
              call('mcp__own__note', { text: 'more' }),
            ],
          },
          { toolCalls: [task('three', { role: 'executor' })] },
          note('four'),
          { toolCalls: [call('bash', { command: 'cat notes.txt' })] },
          { text: 'Done.' },
        ],
      },
    ]);
    const { watch } = await delegateWith(workshop, files());
    const { outcome } = await watch.until('turn.ended');
    assert.equal(outcome, 'completed');
    const isOfServer = ([name]: [string, ...unknown[]]): boolean => name.startsWith('mcp__');
    const noted = ['mcp__own__note', 'noted', false];
    assert.deepEqual(results(watch).filter(isOfServer), [
      noted,
      noted,
      ['mcp__own__echo', 'still here', false],
      noted,
      noted,
      noted,
    ]);
    assert.deepEqual(results(watch).at(-1), ['bash', 'one\ntwo\nmore\nthree\nfour', false]);
  });

  it('let a turn be stopped in the middle of a call', async () => {
    await open(play([call('mcp__own__wait')]));
    const { taskId, watch } = await delegateWith(workshop, files());
    await watch.until('tool.output', ({ text }) => text === '1/2 halfway\n');
    await workshop.client.stop(taskId);
    const { outcome } = await watch.until('turn.ended');
    assert.deepEqual(
      [outcome, results(watch)],
      ['stopped', [['mcp__own__wait', '[stopped by the user]', true]]],
    );
  });

  it('keep nobody from stopping the turn where one of them does not answer', async () => {
    await open(play());
    const { taskId, watch } = await delegateWith(
      workshop,
      files({ mute: { command: ['node', 'own.mjs', 'mute'] } }),
    );
    await watch.until('sandbox.changed', ({ state }) => state === 'running');
    await workshop.client.stop(taskId);
    const { outcome } = await watch.until('turn.ended');
    assert.deepEqual([outcome, workshop.model.requests.length], ['stopped', 0]);
  });
});
