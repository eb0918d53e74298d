import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { createPostgresCopies } from '../../../server/environment/postgres-copies.ts';
import { createSecretStore, type SecretStore } from '../../../server/environment/secret-store.ts';
import { type Begun, createTaskEnvironment } from '../../../server/environment/task-environment.ts';
import { loadVaultKey } from '../../../server/environment/vault-key.ts';
import type { SourcePlace } from '../../../server/protocol/source.ts';
import { prepareSource } from '../../../server/repo/source.ts';
import { createPrebuildEnvironments } from '../../../server/sandbox/prebuild/environment.ts';
import { printingSandbox } from '../../unit/environment/fake-sandbox.ts';
import { type Files, makeClone, repoDeps, temporaryFolder } from '../../unit/repo/repositories.ts';
import { type OwnDatabase, openOwnDatabase } from '../record/own-database.ts';

const TRUSTED = 'https://github.com/ada/engine.git';
const STRANGE = 'https://github.com/eve/engine.git';
const SETUP: Files = {
  '.gitignore': 'node_modules/\n',
  '.handoff/setup.sh': 'npm ci\n',
  '.handoff/config.json': JSON.stringify({ secrets: ['TOKEN'] }),
};

describe('what a prebuilt machine is of', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let database: OwnDatabase;
  let time = 1_000_000_000_000;
  before(async () => {
    folder = temporaryFolder();
    database = await openOwnDatabase();
  });
  after(async () => {
    await database.close();
    folder[Symbol.dispose]();
  });

  /** A relay with tasks of its own; files are always those of `files`, wherever they are said to be from. */
  function open() {
    const deps = repoDeps(folder.path);
    const key = () => loadVaultKey(folder.path);
    const mayReadFiles = () => true;
    const now = () => (time += 1);
    const secrets: SecretStore = createSecretStore({ database: database.database, key, mayReadFiles, now });
    const tasks = new Map<string, Begun>();
    const unused = () => Promise.reject(new Error('no machine is made here'));
    const shared = {
      store: { get: async (taskId: string) => tasks.get(taskId) },
      repo: deps,
      allowed: {
        network: { mode: 'none' as const },
        resources: {},
        image: undefined,
        images: false,
        forwards: false,
        databases: [],
        platform: 'test',
      },
      secrets,
      copies: createPostgresCopies({ databases: {}, key }),
    };
    const environment = createTaskEnvironment({ ...shared, putBack: unused });
    const of = createPrebuildEnvironments({
      ...shared,
      environment,
      capture: unused,
      restoreWorkspace: unused,
    });

    async function prepare(id: string, source: Partial<SourcePlace>, files: Files): Promise<Begun> {
      const { clone: _, url, commit } = makeClone(path.join(folder.path, id), files);
      const prepared = await prepareSource(deps, { taskId: id, source: { url, commit, overlay: [] } });
      return { owner: 'ada', spec: { source: { url, commit, branch: 'main', ...source } }, prepared };
    }
    async function ofTask(source: Partial<SourcePlace> = {}, files = SETUP, owner = 'ada') {
      const taskId = randomUUID();
      tasks.set(taskId, { ...(await prepare(taskId, source, files)), owner });
      return taskId;
    }
    return {
      secrets,
      environment,
      ofTask,
      key: (taskId: string) => of.ofTask.key(taskId),
      keyOfTask: async (...given: Parameters<typeof ofTask>) => of.ofTask.key(await ofTask(...given)),
      async keyOfPrebuild(source: Partial<SourcePlace> = {}, files = SETUP, owner = 'ada') {
        const id = `prebuild-${randomUUID()}`;
        const { spec, prepared } = await prepare(id, source, files);
        assert.ok(prepared);
        return of.ofPrebuild({ owner, source: spec.source }, prepared).key(id);
      },
    };
  }

  it('is the same as of a task that begins from the same branch, for the same person', async () => {
    const { keyOfTask, keyOfPrebuild } = open();
    const at = { url: TRUSTED };
    const key = await keyOfPrebuild(at);
    assert.match(key ?? '', /^[0-9a-f]{32}$/);
    assert.equal(await keyOfTask(at), key);
    assert.equal(await keyOfTask({ url: TRUSTED, remote: 'git@github.com:ada/engine' }), key);
    assert.equal(await keyOfTask(at, { ...SETUP, 'another.txt': 'file' }), key);
  });

  it('is another of another person, branch, repository, setup, or of what Git ignores', async () => {
    const { keyOfPrebuild } = open();
    const at = { url: TRUSTED };
    const keys = await Promise.all([
      keyOfPrebuild(at),
      keyOfPrebuild(at, SETUP, 'eve'),
      keyOfPrebuild({ ...at, branch: 'next' }),
      keyOfPrebuild({ url: 'https://github.com/ada/other.git' }),
      keyOfPrebuild(at, { ...SETUP, '.handoff/setup.sh': 'npm install\n' }),
      keyOfPrebuild(at, { ...SETUP, '.gitignore': 'node_modules/\ndist/\n' }),
      keyOfPrebuild(at, { ...SETUP, 'deep/down/.gitignore': 'dist/\n' }),
    ]);
    assert.equal(new Set(keys).size, keys.length, keys.join('\n'));
  });

  it('is of where its files were fetched from, and not only of where its work goes', async () => {
    const { keyOfPrebuild, keyOfTask } = open();
    const honest = await keyOfPrebuild({ url: TRUSTED });
    const strange = await keyOfPrebuild({ url: STRANGE, remote: TRUSTED });
    assert.notEqual(strange, honest);
    assert.equal(await keyOfTask({ url: STRANGE, remote: TRUSTED }), strange);
    assert.notEqual(await keyOfTask({ url: STRANGE }), strange);
  });

  it('is of the secrets that were granted, and of none where the files are from elsewhere', async () => {
    const { keyOfPrebuild, secrets } = open();
    const places = {
      honest: { url: TRUSTED },
      own: { remote: TRUSTED },
      strange: { url: STRANGE, remote: TRUSTED },
    };
    const folderUrl = makeClone(path.join(folder.path, 'own'), SETUP).url;
    const keys = async () => [
      await keyOfPrebuild(places.honest),
      await keyOfPrebuild({ ...places.own, url: folderUrl }),
      await keyOfPrebuild(places.strange),
    ];
    const without = await keys();
    await secrets.put('ada', 'TOKEN', { value: 'first-value', repositories: [TRUSTED] });
    const first = await keys();
    await secrets.put('ada', 'TOKEN', { value: 'other-value', repositories: [TRUSTED] });
    const second = await keys();
    await secrets.put('ada', 'OTHER', { value: 'not-asked-for', repositories: [TRUSTED] });
    assert.deepEqual(await keys(), second);
    await secrets.put('ada', 'TOKEN', { value: 'other-value', repositories: ['https://example.com/x'] });
    const revoked = await keys();
    await secrets.remove('ada', 'TOKEN');
    assert.deepEqual(revoked, without);
    assert.deepEqual(await keys(), without);
    assert.deepEqual([first[2], second[2]], [without[2], without[2]]);
    for (const place of [0, 1])
      assert.equal(new Set([without[place], first[place], second[place]]).size, 3, String(place));
  });

  it('is not what secrets of a repository are given to, where its files are fetched from another server', async () => {
    const { ofTask, secrets, environment } = open();
    await secrets.put('ada', 'TOKEN', { value: 'first-value', repositories: [TRUSTED, STRANGE] });
    const { url: own } = makeClone(path.join(folder.path, 'own clone'), SETUP);
    const given = async (source: Partial<SourcePlace>): Promise<string> => {
      const sandbox = printingSandbox();
      const dressed = await environment.dress(await ofTask(source), sandbox);
      await dressed.exec({ execId: 'x', argv: ['true'], timeoutMs: 1, maxOutputBytes: 1 });
      return JSON.stringify(sandbox.started).includes('first-value') ? 'given' : 'not given';
    };
    assert.deepEqual(
      {
        trusted: await given({ url: TRUSTED }),
        'trusted by another address': await given({ url: TRUSTED, remote: 'git@github.com:ada/engine' }),
        'own clone of it': await given({ url: own, remote: TRUSTED }),
        'another server’s, said to be trusted': await given({ url: STRANGE, remote: TRUSTED }),
        'without encryption, said to be trusted': await given({
          url: TRUSTED.replace('https', 'http'),
          remote: TRUSTED,
        }),
      },
      {
        trusted: 'given',
        'trusted by another address': 'given',
        'own clone of it': 'given',
        'another server’s, said to be trusted': 'not given',
        'without encryption, said to be trusted': 'not given',
      },
    );
  });

  it('is nothing for a task that came in a file, wherever that says it is from', async () => {
    const { ofTask, key } = open();
    const taskId = await ofTask({ url: TRUSTED });
    assert.notEqual(await key(taskId), undefined);
    await database.pool.query(
      `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay) VALUES ($1, $1, 0, 0, '{}', '[]')`,
      [taskId],
    );
    await database.pool.query(
      `INSERT INTO handoff.events (task_id, seq, key, at, type, body) VALUES ($1, 1, 'imported:7', 0, 'task.imported', '{}')`,
      [taskId],
    );
    assert.equal(await key(taskId), undefined);
  });

  it('is nothing where there is no setup and there are few files', async () => {
    const { keyOfTask, keyOfPrebuild } = open();
    const few = { 'a.txt': 'a' };
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`${at}.txt`, `${at % 10}`]));
    assert.deepEqual(await Promise.all([keyOfTask({}, few), keyOfPrebuild({ url: TRUSTED }, few)]), [
      undefined,
      undefined,
    ]);
    assert.notEqual(await keyOfPrebuild({ url: TRUSTED }, many), undefined);
  });
});
