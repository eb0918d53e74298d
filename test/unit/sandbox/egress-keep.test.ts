import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Egress, EgressHost } from '../../../server/sandbox/local/egress/client.ts';
import { type KeptEgress, keepServing } from '../../../server/sandbox/local/egress/keep.ts';

const host: EgressHost = {
  sandboxes: '/none',
  user: { uid: 1, gid: 1, dropped: false },
  node: 'node',
  flock: 'flock',
  seen: (path) => path,
  asUser: (command) => command,
};

describe('keeping the networks of running sandboxes', () => {
  let served: string[];
  let logged: string[];
  let fails: boolean;
  let running: Set<string>;
  let kept: KeptEgress;
  let looks: EventTarget;
  beforeEach(() => {
    [served, logged, fails, running, looks] = [[], [], false, new Set(['a', 'b', 'none']), new EventTarget()];
    const egress: Egress = {
      async serve({ id }) {
        served.push(id);
        looks.dispatchEvent(new Event(id));
        if (fails) throw new Error('no process');
      },
      refusals: async () => [],
    };
    kept = keepServing(egress, {
      runs: (id) => running.has(id),
      log: (line) => logged.push(line),
      paceMs: 5,
    });
  });
  afterEach(() => kept.close());

  const serve = (id: string): Promise<void> =>
    kept.serve({ id, root: `/none/${id}` }, { mode: 'open' }, host);

  it('serves each again and again, in turn, and what needs no network only once', async () => {
    await kept.serve({ id: 'none', root: '/none' }, { mode: 'none' }, host);
    await serve('a');
    await serve('b');
    await once(looks, 'b');
    await once(looks, 'b');
    assert.deepEqual(served.slice(0, 7), ['none', 'a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('leaves alone one that does not run', async () => {
    await serve('a');
    await serve('b');
    running.delete('a');
    await once(looks, 'b');
    await once(looks, 'b');
    assert.deepEqual(served.slice(0, 4), ['a', 'b', 'b', 'b']);
  });

  it('goes on where it fails, and tells of each outage once', async () => {
    await serve('a');
    const look = (): Promise<unknown> => once(looks, 'a');
    fails = true;
    for (let times = 0; times < 3; times += 1) await look();
    fails = false;
    for (let times = 0; times < 2; times += 1) await look();
    fails = true;
    for (let times = 0; times < 3; times += 1) await look();
    const line = 'sandbox a has lost its network: no process';
    assert.deepEqual(logged, [line, line]);
  });

  it('tells who asks first that it cannot be served, and does not keep trying', async () => {
    fails = true;
    await assert.rejects(serve('a'), new Error('no process'));
    fails = false;
    await serve('b');
    await once(looks, 'b');
    assert.deepEqual(served.slice(0, 3), ['a', 'b', 'b']);
  });
});
