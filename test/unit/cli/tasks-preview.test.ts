import assert from 'node:assert/strict';
import { CliError, UsageError } from '../../../server/cli/command.ts';
import { type PreviewOptions, previewTask } from '../../../server/cli/commands/tasks-preview.ts';
import type { PortList, PreviewLink } from '../../../server/protocol/preview.ts';
import { recordTerminal } from './terminal.ts';

const EXPIRES = new Date(2030, 0, 1, 14, 5).getTime();

/** A relay with one awake task, and what was asked of it. */
function relay(ports: PortList, previews: PreviewLink[] = []) {
  const asked: string[] = [];
  const client = {
    ports: async () => ports,
    previews: async () => previews,
    openPreview: async (id: string, wish: { port: number; minutes?: number | undefined }) => {
      asked.push(`open ${id} ${JSON.stringify(wish)}`);
      return {
        previewId: 'p',
        port: wish.port,
        expiresAt: EXPIRES,
        url: 'http://p.localhost:7421/.handoff/open?k',
      };
    },
    revokePreview: async (id: string, previewId: string) => void asked.push(`revoke ${id} ${previewId}`),
  };
  const run = async (args: string[], options: Partial<PreviewOptions> = {}) => {
    const terminal = recordTerminal();
    const all = { revoke: false, minutes: undefined, json: false, ...options };
    await previewTask(async () => client, args, all, terminal);
    return terminal.written;
  };
  return { asked, run };
}

const link = (previewId: string, port: number, isOpened = true): PreviewLink => ({
  previewId,
  port,
  createdAt: 0,
  expiresAt: EXPIRES,
  isOpened,
});

describe('tasks preview', () => {
  it('lists what listens, what is open, and how to open one', async () => {
    const { run } = relay({ sandbox: 'awake', ports: [3000, 5173] }, [
      link('a', 3000),
      link('b', 8080, false),
    ]);
    assert.deepEqual(await run(['t']), {
      out: 'Listening: 3000, 5173\nOpen: 3000, until 14:05\nOpen: 8080, until 14:05, not opened yet\nOpen one with: npm start -- tasks preview t 3000\n',
      err: '',
    });
  });

  it('says that nothing listens, and why', async () => {
    const said = [];
    for (const sandbox of ['awake', 'asleep', 'none'] as const)
      said.push((await relay({ sandbox, ports: [] }).run(['t'])).out);
    assert.deepEqual(said, [
      'Nothing listens in the sandbox.\n',
      'The sandbox sleeps, so nothing listens in it. A preview offers to wake it.\n',
      'The task has no sandbox now.\n',
    ]);
  });

  it('opens a port, with nothing but the link on stdout', async () => {
    const { asked, run } = relay({ sandbox: 'awake', ports: [3000] });
    const said = await run(['t', '3000'], { minutes: '5' });
    assert.deepEqual(
      [said.out, said.err, asked],
      [
        'http://p.localhost:7421/.handoff/open?k\n',
        'Opens in one browser, once, until 14:05. End it with: npm start -- tasks preview t 3000 --revoke\n',
        ['open t {"port":3000,"minutes":5}'],
      ],
    );
  });

  it('revokes the links of a port, or of the task, and says where there is none', async () => {
    const { asked, run } = relay({ sandbox: 'awake', ports: [] }, [link('a', 1), link('b', 2), link('c', 2)]);
    assert.deepEqual(await run(['t', '2'], { revoke: true }), { out: '', err: 'Revoked: 2\n' });
    assert.deepEqual(await run(['t'], { revoke: true, json: true }), { out: '{"revoked":3}\n', err: '' });
    assert.deepEqual(
      asked,
      ['b', 'c', 'a', 'b', 'c'].map((id) => `revoke t ${id}`),
    );
    await assert.rejects(run(['t', '3'], { revoke: true }), CliError);
  });

  it('answers as JSON where that is asked for', async () => {
    const { run } = relay({ sandbox: 'awake', ports: [3000] });
    assert.deepEqual(
      [JSON.parse((await run(['t'], { json: true })).out), (await run(['t', '1'], { json: true })).err],
      [{ sandbox: 'awake', ports: [3000], previews: [] }, ''],
    );
  });

  const wrong: Array<[args: string[], options: Partial<PreviewOptions>]> = [
    [[], {}],
    [['t', '1', '2'], {}],
    [['t', 'http'], {}],
    [['t', '0'], {}],
    [['t', '65536'], {}],
    [['t', '1.5'], {}],
    [['t', '1'], { minutes: '1441' }],
    [['t', '1'], { minutes: 'long' }],
    [['t'], { minutes: '5' }],
    [['t', '1'], { minutes: '5', revoke: true }],
  ];
  for (const [args, options] of wrong) {
    it(`refuses “${args.join(' ')}” with ${JSON.stringify(options)} before it asks the relay`, async () => {
      const connect = () => Promise.reject(new Error('it was asked'));
      const all = { revoke: false, minutes: undefined, json: false, ...options };
      await assert.rejects(previewTask(connect, args, all, recordTerminal()), UsageError);
    });
  }
});
