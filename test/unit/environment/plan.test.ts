import assert from 'node:assert/strict';
import type { EnvironmentFiles } from '../../../server/environment/files.ts';
import { type EnvironmentAllowed, planEnvironment } from '../../../server/environment/plan.ts';

const ALLOWED: EnvironmentAllowed = {
  network: { mode: 'allow-list', domains: ['*.npmjs.org', 'example.com'] },
  resources: { cpus: 2, memoryMiB: 2048 },
  image: undefined,
  images: false,
  forwards: true,
  databases: ['shop'],
  platform: 'local linux-x64',
  holder: 'ada github.com/ada/engine',
};
const NOTHING = { env: {}, secrets: [], services: [], hooks: [], mcp: {}, problems: [] };

const plan = (files: Partial<EnvironmentFiles>, allowed: Partial<EnvironmentAllowed> = {}) =>
  planEnvironment({ inputs: {}, unread: [], ...files }, { ...ALLOWED, ...allowed });
const configured = (config: unknown, allowed: Partial<EnvironmentAllowed> = {}) =>
  plan({ config: JSON.stringify(config) }, allowed);
const keyOf = (files: Partial<EnvironmentFiles>, allowed: Partial<EnvironmentAllowed> = {}) =>
  plan(files, allowed).setup?.key;

describe('the plan of a task’s environment', () => {
  it('without a word of the repository is what the owner allows', () => {
    const { network, resources } = ALLOWED;
    assert.deepEqual(plan({}), { ...NOTHING, network, resources });
    assert.deepEqual(plan({}, { image: 'own:1', images: true, resources: {}, network: { mode: 'none' } }), {
      ...NOTHING,
      image: 'own:1',
      network: { mode: 'none' },
    });
  });

  it('narrows the network, and says what was asked for in vain', () => {
    const { network, problems } = configured({
      network: { domains: ['registry.npmjs.org', 'evil.example', '*', '169.254.169.254', '*.example.com'] },
    });
    assert.deepEqual(network, { mode: 'allow-list', domains: ['registry.npmjs.org'] });
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /evil\.example, \*, 169\.254\.169\.254, \*\.example\.com\.$/);
  });

  it('opens no network that the owner closed', () => {
    const { network } = configured({ network: { domains: ['example.com'] } }, { network: { mode: 'none' } });
    assert.deepEqual(network, { mode: 'none' });
  });

  for (const [why, config] of [
    ['is wrong', '{"network": {"domains": "example.com"}}'],
    ['is in a file that is no JSON', '{"network": '],
  ]) {
    it(`gives no network where that which is asked for ${why}: it may have been less`, () => {
      const { network, problems } = plan({ config: config ?? '' }, { network: { mode: 'open' } });
      assert.deepEqual(network, { mode: 'none' });
      assert.match(problems[0] ?? '', /is wrong, and the task goes on without .*network/);
    });
  }

  it('gives no network where the configuration is too large to be read', () => {
    const unread = [{ path: '.handoff/config.json', why: 'it is larger than 65536 bytes' }];
    assert.deepEqual(plan({ unread, setupScript: 'make' }), {
      ...NOTHING,
      network: { mode: 'none' },
      resources: ALLOWED.resources,
      // Those of the relay's owner, too: the repository may have wanted fewer.
      mcp: undefined,
      problems: ['.handoff/config.json is not read: it is larger than 65536 bytes.'],
    });
  });

  it('takes the smaller of what is asked for and what is allowed', () => {
    const { resources, problems } = configured({ resources: { cpus: 1, memoryMiB: 4096, diskMiB: 100 } });
    assert.deepEqual(resources, { cpus: 1, memoryMiB: 2048, diskMiB: 100 });
    assert.deepEqual(problems, ['The repository asks for 4096 memoryMiB, and may have 2048.']);
  });

  it('takes an image where there are images: the repository’s, its devcontainer’s, the owner’s', () => {
    const devcontainer = '{"image": "dev:1"}';
    const own = { images: true, image: 'own:1' };
    assert.equal(plan({ config: '{"image": "repo:1"}', devcontainer }, own).image, 'repo:1');
    assert.equal(plan({ devcontainer }, own).image, 'dev:1');
    assert.equal(plan({}, own).image, 'own:1');
    const without = plan({ config: '{"image": "repo:1"}', devcontainer });
    assert.deepEqual(
      [without.image, without.problems],
      [undefined, ['The repository asks for the image repo:1, and this relay’s sandboxes have none.']],
    );
    assert.deepEqual(plan({ devcontainer }).problems, []);
  });

  it('goes on without what is wrong, and says what that is', () => {
    const services = Array.from({ length: 1000 }, (_, index) => ({ name: `s${index}`, command: 'true' }));
    const { problems, ...rest } = configured({ services, env: { LD_PRELOAD: '/x.so' }, secrets: ['TOKEN'] });
    assert.deepEqual(rest, {
      env: {},
      hooks: [],
      mcp: {},
      secrets: ['TOKEN'],
      services: [],
      network: ALLOWED.network,
      resources: ALLOWED.resources,
    });
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /without env, services: [\s\S]*is reserved[\s\S]*env\.LD_PRELOAD/);
  });

  it('gives a variable one value, and says which', () => {
    const { secrets, problems } = configured({
      env: { A: 'x', DATABASE_URL: 'y' },
      secrets: ['A', 'DATABASE_URL'],
      database: { kind: 'sqlite', template: 'dev.sqlite' },
    });
    assert.deepEqual(secrets, ['A']);
    assert.deepEqual(problems, [
      '.handoff/config.json has A as a variable and as a secret: the secret counts.',
      '.handoff/config.json has DATABASE_URL as a variable and as a secret: the secret counts.',
      '.handoff/config.json has DATABASE_URL twice: the URL of the database counts.',
    ]);
  });

  const POSTGRES = { database: { kind: 'postgres', template: 'shop' } };
  const DENIED: [why: string, config: unknown, allowed: Partial<EnvironmentAllowed>, says: RegExp][] = [
    ['nobody offers', { database: { kind: 'postgres', template: 'other' } }, {}, /other, and .* offers none/],
    ['a sandbox cannot reach', POSTGRES, { forwards: false }, /cannot reach its server: use local/],
    ['an open network leads past', POSTGRES, { network: { mode: 'open' } }, /open network/],
  ];
  for (const [why, config, allowed, says] of DENIED) {
    it(`has no copy of a database that ${why}`, () => {
      const { database, problems } = configured(config, allowed);
      assert.equal(database, undefined);
      assert.match(problems.join('\n'), says);
    });
  }

  it('has a copy of a database that the owner offers', () => {
    assert.deepEqual(configured(POSTGRES).database, { ...POSTGRES.database, env: 'DATABASE_URL' });
  });

  describe('sets up', () => {
    const script = { setupScript: 'make\n' };
    const devcontainer = { devcontainer: '{"postCreateCommand": ["make", "dev"]}' };
    const config = { config: '{"setup": {"command": "make all", "timeoutMs": 5}}' };
    const stages = (files: Partial<EnvironmentFiles>) => plan(files).setup?.stages;

    it('by the configuration’s command, else its script, else its devcontainer', () => {
      assert.deepEqual(stages({ ...config, ...script, ...devcontainer }), [[['bash', '-c', 'make all']]]);
      assert.deepEqual(stages({ ...script, ...devcontainer }), [
        [['bash', '-c', 'make\n', '.handoff/setup.sh']],
      ]);
      assert.deepEqual(stages(devcontainer), [[['make', 'dev']]]);
      assert.equal(stages({}), undefined);
    });

    it('in the time that the configuration gives, also to its script', () => {
      assert.equal(plan(config).setup?.timeoutMs, 5);
      assert.equal(plan({ ...script, config: '{"setup": {"timeoutMs": 7}}' }).setup?.timeoutMs, 7);
      assert.equal(plan(script).setup?.timeoutMs, 600_000);
    });

    it('not at all where the configuration of it is wrong: nobody knows what it should have been', () => {
      assert.equal(stages({ ...script, config: '{"setup": "make"}' }), undefined);
    });

    it('not by a devcontainer that cannot be read, and says so', () => {
      const { setup, problems } = plan({ devcontainer: '{"postCreateCommand": 7}' });
      assert.equal(setup, undefined);
      assert.match(problems.join(), /devcontainer\.json cannot be read/);
    });

    it('anew where anything changes that decides what it comes to', () => {
      const base = { ...script, inputs: { 'package-lock.json': 'a', 'b/go.sum': 'b' } };
      const key = keyOf(base);
      const others = [
        keyOf({ ...base, setupScript: 'make all\n' }),
        keyOf({ ...base, inputs: { ...base.inputs, 'package-lock.json': 'c' } }),
        keyOf({ ...base, inputs: { 'package-lock.json': 'a', 'c/go.sum': 'b' } }),
        keyOf({ ...base, config: '{"env": {"A": "b"}}' }),
        keyOf({ ...base, config: '{"secrets": ["A"]}' }),
        keyOf({ ...base, config: '{"secrets": ["A"]}' }, { holder: 'eve github.com/ada/engine' }),
        keyOf(base, { network: { mode: 'none' } }),
        keyOf(base, { platform: 'local linux-arm64' }),
        keyOf(base, { images: true, image: 'own:1' }),
      ];
      assert.equal(new Set([key, ...others]).size, 10);
      assert.match(key ?? '', /^[0-9a-f]{64}$/);
    });

    it('not anew for what decides nothing: order, the person where there are no secrets, other keys', () => {
      const base = { ...script, inputs: { a: '1', b: '2' } };
      assert.equal(keyOf({ ...script, inputs: { b: '2', a: '1' } }), keyOf(base));
      assert.equal(keyOf(base, { holder: 'eve' }), keyOf(base));
      assert.equal(keyOf({ ...base, config: '{"checks": [], "services": [], "later": 1}' }), keyOf(base));
      assert.equal(keyOf(base, { resources: {} }), keyOf(base));
    });
  });
});
