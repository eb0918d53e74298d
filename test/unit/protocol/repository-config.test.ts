import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { RepositoryConfig, readRepositoryConfig } from '../../../server/protocol/repository-config.ts';

const read = (config: unknown) => readRepositoryConfig(JSON.stringify(config));
const check = (name: string) => ({ name, command: 'true' });
const EMPTY = { env: {}, secrets: [], services: [], checks: [], hooks: [], mcp: {} };

describe('a repository’s configuration', () => {
  it('is read with its defaults, and what another version knows is left alone', () => {
    const read = readRepositoryConfig(
      '\uFEFF{"checks": [{"name": " tests ", "command": "npm test", "later": 1}], "later": {}}',
    );
    assert.deepEqual(read, {
      ok: true,
      config: { ...EMPTY, checks: [{ name: 'tests', command: 'npm test', timeoutMs: 600_000 }] },
    });
    assert.deepEqual(readRepositoryConfig('{}'), { ok: true, config: EMPTY });
  });

  it('says all that an environment is made of', () => {
    const config = {
      image: 'ghcr.io/example/tools:1@sha256:abc',
      setup: { command: 'npm ci', timeoutMs: 1000, inputs: ['vendor/list'] },
      network: { domains: ['registry.npmjs.org', '*.example.com'] },
      resources: { cpus: 0.5, memoryMiB: 512, diskMiB: 1024 },
      env: { NODE_ENV: 'test' },
      secrets: ['NPM_TOKEN'],
      services: [
        { name: 'web', command: 'npm start', port: 3000 },
        { name: 'queue', command: 'redis-server', ready: { command: 'redis-cli ping' } },
      ],
      database: { kind: 'postgres', template: 'shop' },
    };
    assert.deepEqual(read(config), {
      ok: true,
      config: {
        ...config,
        services: [
          config.services[0],
          { ...config.services[1], ready: { command: 'redis-cli ping', timeoutMs: 30_000 } },
        ],
        database: { ...config.database, env: 'DATABASE_URL' },
        checks: [],
        hooks: [],
        mcp: {},
      },
    });
  });

  it('says what runs around the agent, and which servers’ tools it gets', () => {
    const config = {
      hooks: [
        { name: 'guard', on: 'before_tool', tools: ['bash', 'mcp__*'], command: './guard' },
        { name: 'tidy', on: 'turn_end', command: 'npm run format', timeoutMs: 1000 },
      ],
      mcp: {
        'own-tools': { command: ['node', 'tools.mjs'], env: { MODE: 'quiet' } },
        tracker: { tools: ['find_issue'] },
        other_one: { off: true },
      },
    };
    assert.deepEqual(read(config), {
      ok: true,
      config: {
        ...EMPTY,
        hooks: [{ ...config.hooks[0], timeoutMs: 30_000 }, config.hooks[1]],
        mcp: config.mcp,
      },
    });
  });

  const BROKEN: [why: string, text: string, says: RegExp][] = [
    ['no JSON', '{"checks": [', /^It is not JSON: /],
    ['an empty file', '', /^It is not JSON: /],
    ['what is too deep to read', '['.repeat(60_000), /^It is not JSON: /],
    ['no object', '[]', /expected object/],
    ['null', 'null', /expected object/],
    ['checks that are no list', '{"checks": {}}', /expected array[\s\S]*checks/],
    ['no command', '{"checks": [{"name": "a"}]}', /checks\[0\]\.command/],
    ['an empty name', '{"checks": [{"name": " ", "command": "true"}]}', /checks\[0\]\.name/],
    ['a name of two lines', '{"checks": [{"name": "a\\nb", "command": "true"}]}', /must be one line/],
    [
      'two hooks of one name',
      '{"hooks": [{"name": "a", "on": "turn_end", "command": "x"}, {"name": "a", "on": "turn_end", "command": "x"}]}',
      /two hooks have the same name/,
    ],
    ['a hook on nothing', '{"hooks": [{"name": "a", "on": "noon", "command": "x"}]}', /hooks\[0\]\.on/],
    ['a server whose name could be mistaken', '{"mcp": {"a__b": {}}}', /with single _ in between/],
    ['a server without a program', '{"mcp": {"a": {"command": []}}}', /mcp\.a/],
    [
      'a server that leads around the network',
      '{"mcp": {"a": {"command": ["x"], "env": {"PATH": "/"}}}}',
      /reserved/,
    ],
    ['no time', '{"checks": [{"name": "a", "command": "true", "timeoutMs": 0}]}', /checks\[0\]\.timeoutMs/],
    ['two of a name', JSON.stringify({ checks: [check('a'), check('a')] }), /two checks have the same name/],
    ['an option for an image', '{"image": "--privileged"}', /must be the name of an image/],
    [
      'a service ready in two ways',
      '{"services": [{"name": "a", "command": "b", "ready": {}}]}',
      /a port or a command/,
    ],
    [
      'a port out of range',
      '{"services": [{"name": "a", "command": "b", "port": 70000}]}',
      /services\[0\]\.port/,
    ],
    ['no resources', '{"resources": {"cpus": -1}}', /resources\.cpus/],
    ['a database of no kind', '{"database": {"kind": "oracle", "template": "x"}}', /database/],
    [
      'a template’s name with a path',
      '{"database": {"kind": "postgres", "template": "../x"}}',
      /1 to 64 letters/,
    ],
  ];
  for (const [why, text, says] of BROKEN) {
    it(`is refused, with the reason, for ${why}`, () => {
      const result = readRepositoryConfig(text);
      assert.ok(!result.ok);
      assert.match(result.problem, says);
    });
  }

  for (const template of [
    '/etc/passwd',
    '../outside',
    'a/../../b',
    'a//b',
    '.git/config',
    'a\\b',
    'a\0b',
    '',
  ]) {
    it(`takes no template, and no input of setup, at ${JSON.stringify(template)}`, () => {
      assert.equal(read({ database: { kind: 'sqlite', template } }).ok, false);
      assert.equal(read({ setup: { inputs: [template] } }).ok, false);
    });
  }

  const RESERVED = [
    ...[
      'PATH',
      'Path',
      'HOME',
      'LD_PRELOAD',
      'LD_LIBRARY_PATH',
      'DYLD_INSERT_LIBRARIES',
      'BASH_ENV',
      'ENV',
      'IFS',
    ],
    ...[
      'GIT_DIR',
      'GIT_CONFIG_GLOBAL',
      'HANDOFF_EXEC_ID',
      'http_proxy',
      'HTTPS_PROXY',
      'NO_PROXY',
      '__proto__',
    ],
    ...['PS4', 'PROMPT_COMMAND', '1A', 'A B', 'A=B', '', 'A\nB', 'Ä'],
  ];
  for (const name of RESERVED) {
    it(`places nothing as ${JSON.stringify(name)}`, () => {
      const env = readRepositoryConfig(`{"env": {${JSON.stringify(name)}: "x"}}`);
      // What JSON can say and an object cannot hold is not there.
      assert.equal(name === '__proto__' ? Object.keys(env.config.env).length : Number(env.ok), 0);
      assert.equal(read({ secrets: [name] }).ok, false);
      assert.equal(read({ database: { kind: 'sqlite', template: 'a', env: name } }).ok, false);
    });
  }

  it('says which variable is wrong, and why', () => {
    const result = read({ env: { PATH: '/x', FINE: 'y' } });
    assert.ok(!result.ok);
    assert.match(result.problem, /is reserved[\s\S]*env\.PATH/);
  });

  it('keeps what is right of it beside what is wrong, and says which keys that is', () => {
    const result = read({ image: 'node:24', network: 'all of it', services: [{}], checks: [check('a')] });
    assert.ok(!result.ok);
    assert.deepEqual(
      [result.broken, result.config],
      [
        ['network', 'services'],
        { ...EMPTY, image: 'node:24', checks: [{ ...check('a'), timeoutMs: 600_000 }] },
      ],
    );
  });

  it('has ten checks at most, and twenty services', () => {
    const checks = (n: number) => ({ checks: Array.from({ length: n }, (_, index) => check(String(index))) });
    const services = (n: number) => ({
      services: Array.from({ length: n }, (_, index) => check(`s${index}`)),
    });
    assert.deepEqual([read(checks(10)).ok, read(checks(11)).ok], [true, false]);
    assert.deepEqual(
      [read(services(20)).ok, read(services(21)).ok, read(services(1000)).ok],
      [true, false, false],
    );
  });

  it('tells a thousand faults in a few lines', () => {
    const result = read({ services: Array.from({ length: 1000 }, () => 7) });
    assert.ok(!result.ok);
    assert.ok(result.problem.length < 2000, String(result.problem.length));
  });
});

describe('the schema of a repository’s configuration, for editors', () => {
  const FILE = new URL('../../../extension/media/repository-config.schema.json', import.meta.url);
  const made = () => ({
    ...z.toJSONSchema(RepositoryConfig, { target: 'draft-7', io: 'input' }),
    title: 'What a repository wants of Handoff',
  });

  it('is what the relay reads by; HANDOFF_WRITE_SCHEMA=1 and then npm run format write it anew', () => {
    if (process.env.HANDOFF_WRITE_SCHEMA) writeFileSync(FILE, JSON.stringify(made()));
    assert.deepEqual(JSON.parse(readFileSync(FILE, 'utf8')), made());
  });

  it('explains every key, at every depth', () => {
    const silent: string[] = [];
    const look = (schema: object, path: string): void => {
      for (const [key, value] of Object.entries(schema)) {
        if (typeof value !== 'object' || value === null) continue;
        if (key !== 'properties') {
          look(value, path);
          continue;
        }
        for (const [name, property] of Object.entries(value as Record<string, object>)) {
          if (!('description' in property)) silent.push(`${path}.${name}`);
          look(property, `${path}.${name}`);
        }
      }
    };
    look(made(), '');
    assert.deepEqual(silent, []);
  });

  it('is offered by the manifest for the file, and only for that', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    assert.deepEqual(manifest.contributes.jsonValidation, [
      { fileMatch: '/.handoff/config.json', url: './extension/media/repository-config.schema.json' },
    ]);
  });
});
