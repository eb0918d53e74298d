import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { startEmbeddedPostgres } from '../../server/engine/postgres.ts';
import type { TaskEvent } from '../../server/protocol/events.ts';
import { startFakeModel } from '../fakes/model/server.ts';
import type { Bench, Place, Repository } from './bench.ts';
import { follow, until } from './follow.ts';
import { type BenchRelay, destroySandboxes, type RelayOptions, startRelay } from './relay.ts';
import { times } from './stats.ts';

const RUNS = 5;

/** Speaks for a minute, so that whoever is killed is killed in the middle of it. */
const SPEAKS = [{ steps: [], otherwise: { text: 'word '.repeat(1200), chunkSize: 5, delayMs: 50 } }];

/** How long a turn stands still when its relay is killed: until another relay, or the same one started again, takes its next step. */
export const takeover: Bench = {
  about: 'from kill -9 of the relay that runs a turn to the turn’s next step',
  async run(place: Place) {
    const repository = await place.small();
    return [
      {
        name: 'another relay takes over',
        unit: 'ms',
        values: await byAnother(place, repository),
        goal: { of: 'max', atMost: 5000 },
      },
      {
        name: 'the same relay is started again',
        unit: 'ms',
        values: await byItself(place, repository),
        goal: { of: 'max', atMost: 2000 },
      },
    ];
  },
};

async function byAnother(place: Place, repository: Repository): Promise<number[]> {
  await using scope = new AsyncDisposableStack();
  const directory = join(place.directory, 'takeover');
  const model = await startFakeModel({ scenario: SPEAKS });
  scope.defer(() => model.close());
  const first = await startRelay({ directory: join(directory, 'first'), model });
  await first.close();
  // The Postgres of a relay of its own, which outlives those that are killed.
  const postgres = await startEmbeddedPostgres(first.data, process.env, pino({ level: 'error' }));
  scope.defer(() => postgres.stop());
  const database = new pg.Client({ connectionString: postgres.url });
  await database.connect();
  scope.defer(() => database.end());

  const work = join(directory, 'work');
  const options = (name: string): RelayOptions => ({
    directory: join(directory, name),
    model,
    work,
    databaseUrl: postgres.url,
  });
  let relays = [await startRelay(options('a')), await startRelay(options('b'))];
  scope.defer(async () => {
    await Promise.all(relays.map((relay) => relay.close()));
    await destroySandboxes(work);
  });

  // Awaited here: the relays are ended when this function is left.
  return await times(RUNS, async (n) => {
    const { taskId, turnId } = await anyOf(relays).delegate(repository);
    await until(anyOf(relays).client, taskId, 'text.delta');
    const { rows } = await database.query<{ relay: string }>(
      'SELECT relay FROM handoff.turns WHERE turn_id = $1',
      [turnId],
    );
    const ids = await Promise.all(relays.map(({ data }) => readFile(join(data, 'relay-id'), 'utf8')));
    const victim = relays.find((_, i) => ids[i]?.trim() === rows[0]?.relay);
    const survivor = relays.find((relay) => relay !== victim);
    if (!victim || !survivor) throw new Error('no relay runs the turn');
    const killedAt = performance.now();
    await victim.kill();
    await nextAttempt(survivor, taskId);
    const ms = performance.now() - killedAt;
    place.say(`taken over, ${n + 1} of ${RUNS}`);
    await survivor.client.stop(taskId);
    const again = await startRelay({ ...options('again'), directory: join(victim.data, '..') });
    relays = [survivor, again];
    return ms;
  });
}

async function byItself(place: Place, repository: Repository): Promise<number[]> {
  const directory = join(place.directory, 'restart');
  const model = await startFakeModel({ scenario: SPEAKS });
  let relay = await startRelay({ directory, model });
  try {
    return await times(RUNS, async (n) => {
      const { taskId } = await relay.delegate(repository);
      await until(relay.client, taskId, 'text.delta');
      const killedAt = performance.now();
      await relay.kill();
      relay = await startRelay({ directory, model });
      await nextAttempt(relay, taskId);
      const ms = performance.now() - killedAt;
      place.say(`started again, ${n + 1} of ${RUNS}`);
      await relay.client.stop(taskId);
      return ms;
    });
  } finally {
    await relay.close();
    await destroySandboxes(relay.work);
    await model.close();
  }
}

/** The call that was cut off by the kill is made again: the turn's next step. */
const nextAttempt = (relay: BenchRelay, taskId: string): Promise<TaskEvent> =>
  follow(relay.client, taskId, (event) => event.type === 'model.called' && event.attempt === 2);

function anyOf(relays: readonly BenchRelay[]): BenchRelay {
  const [relay] = relays;
  if (!relay) throw new RangeError('no relay runs');
  return relay;
}
