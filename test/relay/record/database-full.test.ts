import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRelayClient, type RelayClient, RelayError } from '../../../server/protocol/client.ts';
import { type RelayProcess, startRelay } from '../../e2e/relay.ts';
import { type FakeModel, startFakeModel } from '../../fakes/model/server.ts';
import { createSampleRepo } from '../../fakes/sample.ts';
import { withDatabase } from '../turn/database.ts';
import { freePort } from '../turn/free-port.ts';
import { follow, type Watch } from '../turn/watch.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';

const TOKEN = 'token-of-the-test-012345';
const GATE = 'echo begun; while [ ! -e gate ]; do sleep 0.02; done';
/** Characters of a message: more than the database has room for in what it holds already. */
const LONG = 150_000;

/** Begins a new file of Postgres's write-ahead log, and is in it: it is not what lacks room first. */
const freshLog = (data: string): Promise<unknown> =>
  withDatabase(data, async (client) => {
    await client.query('SELECT pg_switch_wal()');
    await client.query('CHECKPOINT');
  });

describe('a relay whose database is on a full disk', function () {
  this.timeout(180_000);
  let folder: string;
  let data: string;
  const tasks = new Set<string>();
  let disk: SmallDisk | undefined;
  let model: FakeModel | undefined;
  let relay: RelayProcess | undefined;
  let client: RelayClient;
  let source: { url: string; commit: string };

  before(async function () {
    folder = await mkdtemp(join(tmpdir(), 'handoff-full-'));
    await chmod(folder, 0o711);
    data = join(folder, 'data');
    await mkdir(data);
    const mounted = await mountSmallDisk(data, 400);
    if (typeof mounted === 'string') {
      await rm(folder, { recursive: true });
      console.warn(`        skipped: ${mounted}`);
      this.skip();
    }
    disk = mounted;
    const repo = join(folder, 'repo');
    source = { url: `file://${repo}`, commit: await createSampleRepo(repo) };
    model = await startFakeModel({
      scenario: [
        { steps: [{ toolCalls: [{ name: 'bash', arguments: { command: GATE } }] }, { text: 'Done.' }] },
      ],
      apiKey: 'sk-fake',
    });
    relay = await startRelay({
      HANDOFF_DATA: data,
      HANDOFF_WORK: join(folder, 'work'),
      HANDOFF_TOKEN: TOKEN,
      HANDOFF_PORT: String(await freePort()),
      HANDOFF_MODEL_BASE_URL: model.url,
      HANDOFF_MODEL_API_KEY: model.apiKey,
      HANDOFF_MODEL: 'fake-model',
    });
    client = createRelayClient({ url: relay.url, token: TOKEN });
  });
  afterEach(async () => {
    await disk?.empty();
    for (const taskId of tasks) {
      const watched = follow(client, taskId, 0);
      const { turnId } = await watched.until('turn.started');
      await client.stop(taskId);
      await watched.until('turn.ended', (event) => event.turnId === turnId);
      await watched.close();
      await client.archive(taskId);
    }
    tasks.clear();
  });
  after(async () => {
    await relay?.close();
    await model?.close();
    await disk?.unmount();
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });

  /** A task whose agent runs a command that ends when `openGate` is called. */
  async function begun(): Promise<{ taskId: string; watched: Watch; openGate: () => Promise<void> }> {
    const { taskId } = await client.createTask({ clientId: randomUUID(), prompt: 'Go', source });
    const watched = follow(client, taskId, 0);
    await watched.until('tool.output');
    const sandboxes = join(folder, 'work', 'sandboxes');
    // The only one: each test archives its task.
    const [name = ''] = (await readdir(sandboxes)).filter((entry) => entry.startsWith('t-'));
    const workspace = join(sandboxes, name, 'workspace');
    tasks.add(taskId);
    return { taskId, watched, openGate: () => writeFile(join(workspace, 'gate'), '') };
  }
  const message = () => ({ clientId: randomUUID(), text: randomBytes(LONG / 2).toString('hex') });

  it('refuses what it cannot keep, keeps what it has taken, and its turns wait', async () => {
    const { taskId, watched, openGate } = await begun();
    await freshLog(data);
    await disk?.fill();
    const taken: string[] = [];
    let refusal: unknown;
    let sent = message();
    const send = (): Promise<unknown> =>
      client.sendMessage(taskId, sent).then(
        () => undefined,
        (error: unknown) => error,
      );
    for (refusal = await send(); refusal === undefined; refusal = await send()) {
      taken.push(sent.clientId);
      sent = message();
    }
    assert.ok(refusal instanceof RelayError);
    assert.deepEqual([refusal.code, refusal.status], ['disk_full', 507]);
    const { troubles } = await client.ready();
    assert.deepEqual(
      troubles?.map(({ code }) => code),
      ['disk_full'],
    );

    await openGate();
    await disk?.empty();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const delivered = watched.events.flatMap((event) =>
      event.type === 'message.delivered' && event.text.length === LONG ? [event.messageId] : [],
    );
    assert.deepEqual(delivered, taken);
    const again = await client.sendMessage(taskId, sent);
    assert.equal(again.disposition, 'started', 'what was refused was not kept, and can be sent again');
    await watched.until('turn.ended', ({ turnId }) => turnId === again.turnId);
    await watched.close();
  });
});
