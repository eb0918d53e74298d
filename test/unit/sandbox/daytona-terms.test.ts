import assert from 'node:assert/strict';
import { checkNetwork, nameOf, snapshotNameOf, termsOf } from '../../../server/sandbox/daytona/terms.ts';
import type { NetworkPolicy, SandboxSpec } from '../../../server/sandbox/sandbox.ts';

const CHOICES = { owner: 'me', image: undefined, snapshot: undefined, idleMs: 90_000 };
const COMMON = {
  name: nameOf('me', 't'),
  language: 'javascript',
  labels: { 'handoff.task': 't', 'handoff.owner': 'me' },
  public: false,
  autoStopInterval: 12,
  autoArchiveInterval: 10_080,
  autoDeleteInterval: -1,
  networkBlockAll: true,
};
const terms = (spec: Partial<SandboxSpec> = {}, choices = {}) =>
  termsOf({ taskId: 't', ...spec }, { ...CHOICES, ...choices });

describe('what Daytona is asked for', () => {
  it('is a machine without network of its own choice, where nothing else is said', () => {
    assert.deepEqual(terms(), COMMON);
  });

  it('is made of a snapshot before an image, of what the task says before what the relay says', () => {
    const from = { provider: 'daytona', id: 'prebuilt' };
    const both = { image: 'relay:1', snapshot: 'relay-snapshot' };
    assert.deepEqual(
      [
        terms({ from, image: 'task:1' }, both),
        terms({ image: 'task:1' }, both),
        terms({}, both),
        terms({}, { image: 'relay:1' }),
      ],
      [
        { ...COMMON, snapshot: 'prebuilt' },
        { ...COMMON, image: 'task:1', resources: {} },
        { ...COMMON, snapshot: 'relay-snapshot' },
        { ...COMMON, image: 'relay:1', resources: {} },
      ],
    );
    assert.throws(() => terms({ from: { provider: 'local', id: 'x' } }), { code: 'not-found' });
  });

  it('has whole cores and GiB, never more than asked for, and at least one', () => {
    const resources = { cpus: 2.9, memoryMiB: 5_000, diskMiB: 512 };
    assert.deepEqual(terms({ image: 'i', resources }), {
      ...COMMON,
      image: 'i',
      resources: { cpu: 2, memory: 4, disk: 1 },
    });
  });

  it('has an image that cannot be more than one line of a Dockerfile', () => {
    for (const image of ['a\nRUN curl evil', 'a b', '-x', '', 'a$(id)', 'a\\'])
      assert.throws(() => terms({ image }), { code: 'failed' }, image);
    for (const image of ['node:24-bookworm', 'ghcr.io/a/b@sha256:0f', 'localhost:5000/x_y'])
      assert.ok('image' in terms({ image }));
  });

  const NETWORKS: Array<[NetworkPolicy, object]> = [
    [{ mode: 'none' }, { networkBlockAll: true }],
    [{ mode: 'open' }, { networkBlockAll: false }],
    [{ mode: 'allow-list', domains: [] }, { networkBlockAll: true }],
    [
      { mode: 'allow-list', domains: ['example.com', '*.npmjs.org'], forwards: [] },
      { networkBlockAll: false, domainAllowList: 'example.com,*.npmjs.org' },
    ],
  ];
  for (const [network, expected] of NETWORKS)
    it(`says it in Daytona's words: ${JSON.stringify(network)}`, () => {
      assert.deepEqual(terms({ network }), { ...COMMON, ...expected });
    });

  it('is refused before anything is made, where Daytona cannot do it', () => {
    const domains = Array.from({ length: 21 }, (_, i) => `host${i}.example.com`);
    const forwards = [{ port: 5432, to: { host: '127.0.0.1', port: 5432 } }];
    assert.throws(() => terms({ network: { mode: 'allow-list', domains } }), { code: 'unavailable' });
    assert.throws(() => terms({ network: { mode: 'none', forwards } }), { code: 'unavailable' });
    assert.throws(() => terms({ network: { mode: 'allow-list', domains: ['a,b'] } }), { code: 'failed' });
  });
});

describe('a name at Daytona', () => {
  it('is one for each task of each owner, whatever the task is called', () => {
    const names = [nameOf('a', 'x/y'), nameOf('a', 'x-y'), nameOf('b', 'x/y'), nameOf('a', 'x'.repeat(500))];
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^handoff-[0-9a-f]{8}-[A-Za-z0-9-]{1,24}-[0-9a-f]{12}$/);
  });

  it('of a snapshot is its owner’s', () => {
    assert.notEqual(snapshotNameOf('a', 'one'), snapshotNameOf('b', 'one'));
    for (const name of ['', 'A', 'a/b', 'a b', 'x'.repeat(101)])
      assert.throws(() => snapshotNameOf('a', name), { code: 'failed' });
  });
});

describe('the network that a machine got', () => {
  const isFine = (
    asked: Parameters<typeof checkNetwork>[0],
    given: Parameters<typeof checkNetwork>[1],
  ): boolean => {
    try {
      checkNetwork(asked, given);
      return true;
    } catch {
      return false;
    }
  };
  const none = { networkBlockAll: true };
  const list = { networkBlockAll: false, domainAllowList: 'a.com,b.com' };

  it('is used where it is what was asked for, or less', () => {
    assert.deepEqual(
      [
        isFine(none, { networkBlockAll: true }),
        isFine(list, { networkBlockAll: true }),
        isFine(list, { networkBlockAll: false, domainAllowList: 'b.com, a.com' }),
        isFine({ networkBlockAll: false }, { networkBlockAll: false }),
      ],
      [true, true, true, true],
    );
  });

  it('is not used where it is more, or nothing is known of it', () => {
    assert.deepEqual(
      [
        isFine(none, { networkBlockAll: false }),
        isFine(none, {}),
        isFine(none, { networkBlockAll: false, domainAllowList: 'a.com' }),
        isFine(list, { networkBlockAll: false }),
        isFine(list, { networkBlockAll: false, domainAllowList: 'a.com,c.com' }),
        isFine(list, { networkBlockAll: false, domainAllowList: 'a.com', networkAllowList: '10.0.0.0/8' }),
      ],
      [false, false, false, false, false, false],
    );
  });
});
