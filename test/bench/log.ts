import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { createDatabase } from '../../server/engine/database.ts';
import { listen } from '../../server/engine/notices.ts';
import { createEventLog, type KeyedEvent, readAll } from '../../server/tasks/event-log.ts';
import type { Bench, Place } from './bench.ts';
import { follow, turnEnd } from './follow.ts';
import { type BenchRelay, openRelay } from './relay.ts';
import { times } from './stats.ts';

const APPENDS = 300;
const BATCH = 20;
const EVENTS = 10_000;
const FILL = 500;
const READS = 10;
const REPLAYS = 5;
/** What a tool typically answers. */
const TEXT = 'export const value = compute(42);\n'.repeat(12);

/** What the journal itself costs: to write, to read, and to send to a client that saw nothing yet. */
export const log: Bench = {
  about: 'the event log: appends, reads, and the replay of 10,000 events to a client',
  async run(place: Place) {
    await using scope = new AsyncDisposableStack();
    const repository = await place.small();
    const { relay } = await openRelay(scope, join(place.directory, 'log'), [
      { steps: [], otherwise: { text: 'Done.' } },
    ]);
    const { taskId } = await relay.delegate(repository);
    const { turnId } = await turnEnd(relay.client, taskId);

    const url = await databaseUrl(relay);
    const pool = new pg.Pool({ connectionString: url });
    scope.defer(() => pool.end());
    const notices = await listen(url);
    scope.defer(() => notices.close());
    const events = createEventLog(createDatabase(pool), notices, Date.now);
    let written = 0;
    const some = (n: number): KeyedEvent[] => Array.from({ length: n }, () => outputOf(turnId, written++));
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const startedAt = performance.now();
      await work();
      return performance.now() - startedAt;
    };

    const one: number[] = [];
    const batch: number[] = [];
    const bare: number[] = [];
    for (let n = 0; n < APPENDS; n++) {
      one.push(await timed(() => events.append(taskId, null, some(1))));
      batch.push(await timed(() => events.append(taskId, null, some(BATCH))));
      bare.push(await timed(() => bareInsert(pool, taskId)));
    }
    let seq = 0;
    while (seq < EVENTS) seq = (await events.append(taskId, null, some(FILL)))?.seq ?? EVENTS;

    const reads = await times(READS, () => timed(() => readAll(events, taskId, 0, EVENTS)));
    const replays = await times(REPLAYS, () =>
      timed(() => follow(relay.client, taskId, (event) => event.seq === EVENTS)),
    );
    return [
      { name: 'append of one event, against a bare insert', unit: 'ms', values: one, baseline: bare },
      { name: `append of ${BATCH} events, against a bare insert`, unit: 'ms', values: batch, baseline: bare },
      { name: 'read of 10,000 events', unit: 'ms', values: reads },
      { name: 'replay of 10,000 events to a client', unit: 'ms', values: replays, baseline: reads },
    ];
  },
};

function outputOf(turnId: string, n: number): KeyedEvent {
  const callId = `${turnId}:m1c0`;
  return {
    key: `${callId}:output:${n}`,
    event: { type: 'tool.output', turnId, callId, stream: 'stdout', text: TEXT },
  };
}

/** One row, one commit: what the same Postgres takes for being durable at all. */
const bareInsert = (pool: pg.Pool, taskId: string): Promise<unknown> =>
  pool.query({
    name: 'bare-insert',
    text: 'INSERT INTO handoff.memos VALUES ($1, $2, $3)',
    values: [taskId, randomUUID(), JSON.stringify(TEXT)],
  });

/** Of the relay's embedded Postgres. */
async function databaseUrl({ data }: BenchRelay): Promise<string> {
  const password = (await readFile(join(data, 'postgres-password'), 'utf8')).trim();
  const [, , , port] = (await readFile(join(data, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
  return `postgresql://handoff:${password}@127.0.0.1:${port}/handoff`;
}
