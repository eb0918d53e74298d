import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scenario } from '../../fakes/model/script.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';

const call = (name: string, args: Record<string, unknown>) => ({ toolCalls: [{ name, arguments: args }] });
const GATE = 'while [ ! -e gate ]; do sleep 0.02; done';

describe('a turn whose repositories and sandboxes are on a full disk', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  let work: string;
  /** What a test has to undo, the last first. */
  const undo: (() => Promise<void>)[] = [];

  async function open(scenario: Scenario): Promise<SmallDisk> {
    work = await mkdtemp(join(tmpdir(), 'handoff-work-'));
    undo.push(() => rm(work, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 }));
    const disk = await mountSmallDisk(work, 400);
    if (typeof disk === 'string') throw new Error(disk);
    undo.push(disk.unmount);
    workshop = await openWorkshop(scenario, { HANDOFF_WORK: work });
    undo.push(workshop.close, disk.empty);
    return disk;
  }
  before(async function () {
    const place = await mkdtemp(join(tmpdir(), 'handoff-work-'));
    const tried = await mountSmallDisk(place, 1);
    if (typeof tried !== 'string') await tried.unmount();
    await rm(place, { recursive: true });
    if (typeof tried !== 'string') return;
    console.warn(`        skipped: ${tried}`);
    this.skip();
  });
  afterEach(async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  });

  const workspace = async (): Promise<string> => {
    const [only] = (await readdir(join(work, 'sandboxes'))).filter((name) => name.startsWith('t-'));
    return join(work, 'sandboxes', only ?? '', 'workspace');
  };

  it('waits before it begins, says why, and begins when there is room', async () => {
    const small = await open([{ steps: [{ text: 'Done.' }] }]);
    await small.fill();
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    assert.equal((await watched.until('turn.waiting')).reason.code, 'disk_full');
    const { status, turns } = await workshop.client.getTask(taskId);
    assert.deepEqual([status, turns[0]?.waiting?.code], ['waiting', 'disk_full']);
    await small.empty();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const waits = watched.events.filter(({ type }) => type === 'turn.waiting' || type === 'turn.continued');
    assert.deepEqual(
      waits.map(({ type }) => type),
      ['turn.waiting', 'turn.continued'],
    );
  });

  it('waits with what a command has written, and loses nothing of it', async () => {
    const small = await open([
      {
        steps: [
          call('bash', { command: `printf kept > kept.txt; echo begun; ${GATE}; rm gate` }),
          call('write', { path: 'more.txt', content: 'more\n' }),
          { text: 'Done.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output');
    await small.fill();
    await writeFile(join(await workspace(), 'gate'), '');
    assert.equal((await watched.until('turn.waiting')).reason.code, 'disk_full');
    const queued = await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Still here?' });
    assert.equal(queued.disposition, 'queued', 'what needs no room on that disk is done');
    await small.empty();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const { files } = await workshop.client.changes(taskId);
    assert.deepEqual(
      files.map(({ path, status }) => `${status} ${path}`),
      ['added kept.txt', 'added more.txt'],
    );
  });

  it('is stopped while it waits', async () => {
    const small = await open([{ steps: [{ text: 'Done.' }] }]);
    await small.fill();
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('turn.waiting');
    await workshop.client.stop(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'stopped');
  });

  it('is stopped while it waits with what a command has written, which is proposed once there is room', async () => {
    const small = await open([
      {
        steps: [
          call('bash', { command: `printf kept > kept.txt; echo begun; ${GATE}` }),
          call('bash', { command: 'echo never' }),
          { text: 'Done.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('tool.output');
    await small.fill();
    await writeFile(join(await workspace(), 'gate'), '');
    await watched.until('turn.waiting');
    await workshop.client.stop(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'stopped');
    await small.empty();
    const { turnId } = await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Go on' });
    await watched.until('turn.ended', (event) => event.turnId === turnId);
    const { files } = await workshop.client.changes(taskId);
    assert.ok(files.some(({ path }) => path === 'kept.txt'));
  });

  it('is said by the relay, to whoever asks and to whoever sends something', async () => {
    const small = await open([{ steps: [{ text: 'Done.' }] }]);
    await small.fill();
    const { troubles } = await workshop.client.ready();
    assert.deepEqual(
      troubles?.map(({ code }) => code),
      ['disk_full'],
    );
    const sent = workshop.client.uploadSource(new Uint8Array(2 ** 20));
    await assert.rejects(sent, { code: 'disk_full', status: 507 });
    const file = workshop.client.importTask(new Uint8Array(2 ** 20));
    await assert.rejects(file, { code: 'disk_full', status: 507 });
    await small.empty();
    assert.equal((await workshop.client.ready()).troubles, undefined);
  });

  it('waits on when its relay is killed, and goes on with the next one', async () => {
    const small = await open([{ steps: [{ text: 'Done.' }] }]);
    await small.fill();
    const taskId = await workshop.delegate('Go');
    const watched = workshop.watch(taskId);
    await watched.until('turn.waiting');
    await workshop.kill();
    await workshop.start();
    const continued = await watched.until('turn.continued');
    await watched.until('turn.waiting', ({ seq }) => seq > continued.seq);
    await small.empty();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
  });
});
