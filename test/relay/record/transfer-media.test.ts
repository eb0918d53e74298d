import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Scenario } from '../../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../../fakes/model/server.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';
import { anew, fileOf, type Line, linesOf } from './transfer-file.ts';

const call = (name: string, args: Record<string, unknown>) => ({ toolCalls: [{ name, arguments: args }] });
// Larger than one line of the file; by its first bytes a picture.
const DRAW = `(printf '\\211PNG\\r\\n\\032\\n'; head -c 1500000 /dev/urandom) >big.png; head -c 99 big.png >small.png`;
const PICTURES = /data:image\/png;base64,([A-Za-z0-9+/=]+)/g;

describe('a task as one file, whose model was shown pictures', function () {
  this.timeout(120_000);
  const models: FakeModel[] = [];
  const workshops: Workshop[] = [];
  let lines: Line[];

  async function open(scenario: Scenario): Promise<{ model: FakeModel; workshop: Workshop }> {
    const model = await startFakeModel({ scenario, apiKey: 'sk-fake' });
    models.push(model);
    const seeing = { name: 'p', baseUrl: model.url, apiKey: 'sk-fake', models: [{ id: 'm', images: true }] };
    const workshop = await openWorkshop([], {
      HANDOFF_MODELS: JSON.stringify({ providers: [seeing], roles: { lead: 'p/m' } }),
    });
    workshops.push(workshop);
    return { model, workshop };
  }
  const picturesIn = (model: FakeModel): string[] =>
    [...JSON.stringify(model.requests.at(-1)?.body).matchAll(PICTURES)].map(([, base64 = '']) => base64);

  after(async () => {
    for (const workshop of workshops) {
      for (const { taskId } of (await workshop.client.listTasks()).tasks)
        await workshop.client.archive(taskId);
      await workshop.close();
    }
    for (const model of models) await model.close();
  });

  it('has them, and the model of another relay sees the same', async () => {
    const from = await open([
      {
        steps: [
          call('bash', { command: DRAW }),
          call('read', { path: 'big.png' }),
          call('read', { path: 'small.png' }),
          { text: 'I see.' },
        ],
      },
    ]);
    const taskId = await from.workshop.delegate('Draw it');
    const { outcome } = await from.workshop.watch(taskId).until('turn.ended');
    const pictures = picturesIn(from.model);
    assert.deepEqual([outcome, pictures.map(({ length }) => length)], ['completed', [2_000_012, 132]]);
    const file = await from.workshop.client.exportTask(taskId);
    lines = linesOf(file);

    const to = await open([{ steps: [{ text: 'Still there.' }] }]);
    await to.workshop.client.importTask(new Uint8Array(file));
    const { turnId } = await to.workshop.client.sendMessage(taskId, {
      clientId: randomUUID(),
      text: 'What was it?',
    });
    await to.workshop.watch(taskId).until('turn.ended', (event) => event.turnId === turnId);
    assert.deepEqual(picturesIn(to.model), pictures);
  });

  it('brings nothing else that a relay would remember', async () => {
    const client = workshops[1]?.client;
    const [first] = lines.flatMap((line) => (line.line === 'media' ? [String(line['key'])] : []));
    const png = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1').toString('base64');
    const refused = async (more: Line[], message: RegExp): Promise<void> => {
      const at = lines.findIndex(({ line }) => line === 'repository');
      const all = anew([
        ...lines.slice(0, at).filter(({ line }) => line !== 'media'),
        ...more,
        ...lines.slice(at),
      ]);
      await assert.rejects(Promise.resolve(client?.importTask(fileOf(all.lines))), {
        code: 'import_invalid',
        message,
      });
    };
    const media = (key: string, data: string): Line => ({ line: 'media', key, data });
    const own = first ?? '';
    const [turnId = ''] = own.split(':');
    await refused([media(`${turnId}:mcp`, png)], /no call showed this to the model, or it is there twice/);
    await refused([media(`${own}0`, png)], /no call showed this/);
    await refused([media(own, png), media(`${turnId}:m2c0:media:0`, png), media(own, png)], /there twice/);
    await refused([media(own, 'aGVsbG8=')], /neither an image nor a PDF/);
    const piece = Buffer.alloc(3 * 2 ** 18).toString('base64');
    await refused(Array(5).fill(media(own, piece)), /what the model was shown is too large/);
  });
});
