import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenAPIHono } from '@hono/zod-openapi';
import { createSecretStore, type SecretStore } from '../../../server/environment/secret-store.ts';
import { KEY_FILE, loadVaultKey } from '../../../server/environment/vault-key.ts';
import type { App } from '../../../server/http/app.ts';
import { bearerAuth } from '../../../server/http/auth.ts';
import { errorHandler } from '../../../server/http/error-handler.ts';
import { secretRoutes } from '../../../server/http/secret-routes.ts';
import { createRelayClient } from '../../../server/protocol/client.ts';
import { type OwnDatabase, openOwnDatabase } from '../record/own-database.ts';

const VALUE = 'correct-horse-battery';
const REPOSITORY = 'github.com/ada/engine';
const OWNER_TOKEN = 'token-of-the-owner';
const ADA_TOKEN = 'token-of-ada-lovelace';

describe('the relay’s secrets', function () {
  this.timeout(60_000);
  let own: OwnDatabase;
  let now = 1000;
  let folders = 0;

  before(async () => {
    own = await openOwnDatabase();
  });
  beforeEach(async () => {
    now = 1000;
    await own.pool.query('DELETE FROM handoff.secrets');
  });
  after(() => own.close());

  /** A relay's data folder. */
  async function folder(): Promise<string> {
    folders += 1;
    const path = join(own.folder, `data-${folders}`);
    await mkdir(path, { mode: 0o700 });
    return path;
  }
  async function store(dataDir?: string): Promise<SecretStore> {
    const data = dataDir ?? (await folder());
    return createSecretStore({
      database: own.database,
      key: () => loadVaultKey(data),
      mayReadFiles: (owner) => owner === 'owner',
      now: () => now,
    });
  }
  const put = (secrets: SecretStore, name = 'TOKEN', repositories = [`https://${REPOSITORY}.git`]) =>
    secrets.put('ada', name, { value: VALUE, repositories });

  describe('are kept', () => {
    it('sealed, under the one name that a repository has', async () => {
      const secrets = await store();
      const stored = await put(secrets, 'TOKEN', [`git@github.com:Ada/Engine.git`, `https://${REPOSITORY}`]);
      const kept = { name: 'TOKEN', repositories: [REPOSITORY], createdAt: 1000, updatedAt: 1000 };
      assert.deepEqual(stored, { ...kept, masked: true });
      assert.deepEqual(await secrets.list('ada'), [kept]);
      const { rows } = await own.pool.query<{ row: string; sealed: Buffer }>(
        'SELECT s::text AS row, sealed FROM handoff.secrets s',
      );
      assert.ok(!rows[0]?.row.includes(VALUE) && !rows[0]?.sealed.toString('latin1').includes(VALUE));
    });

    it('anew under the same name, for the repositories that are named then', async () => {
      const secrets = await store();
      await put(secrets);
      now = 2000;
      await secrets.put('ada', 'TOKEN', { value: 'abc', repositories: ['https://example.com/other'] });
      assert.deepEqual(await secrets.list('ada'), [
        { name: 'TOKEN', repositories: ['example.com/other'], createdAt: 1000, updatedAt: 2000 },
      ]);
    });

    it('for whoever gave them, and nobody else', async () => {
      const secrets = await store();
      await put(secrets);
      assert.deepEqual(await secrets.list('eve'), []);
      assert.deepEqual(await secrets.granted('eve', REPOSITORY, ['TOKEN']), {
        values: {},
        unknown: ['TOKEN'],
        notAllowed: [],
      });
      await assert.rejects(secrets.remove('eve', 'TOKEN'), { code: 'not_found' });
      await secrets.remove('ada', 'TOKEN');
      assert.deepEqual(await secrets.list('ada'), []);
    });

    it('with a word where they are too short to be struck out', async () => {
      const secrets = await store();
      const { masked } = await secrets.put('ada', 'PIN', { value: '123', repositories: ['https://a.b/c'] });
      assert.equal(masked, false);
    });

    it('not for what is no repository, whose address is not repeated: it may carry a password', async () => {
      const secrets = await store();
      await assert.rejects(
        put(secrets, 'TOKEN', ['https://a.b/c', 'ftp://u:hidden@example.com/x']),
        (error: Error) => {
          assert.match(error.message, /at place 2/);
          assert.ok(!JSON.stringify(error).includes('hidden') && !error.message.includes('hidden'));
          return true;
        },
      );
    });

    it('for folders of the relay’s machine only by who may read there, and nobody else learns what is there', async () => {
      const secrets = await store();
      const here = [`file://${own.folder}`];
      await assert.rejects(put(secrets, 'TOKEN', here), { code: 'bad_request' });
      const { repositories } = await secrets.put('owner', 'TOKEN', { value: VALUE, repositories: here });
      assert.deepEqual(repositories, here);
    });
  });

  describe('are placed', () => {
    it('by value only where they are allowed for exactly the repository that asks', async () => {
      const secrets = await store();
      await put(secrets);
      await put(secrets, 'OTHER', ['https://example.com/other']);
      assert.deepEqual(await secrets.granted('ada', REPOSITORY, ['TOKEN', 'OTHER', 'THIRD']), {
        values: { TOKEN: VALUE },
        unknown: ['THIRD'],
        notAllowed: ['OTHER'],
      });
      for (const repository of [undefined, `${REPOSITORY}2`, 'http://github.com/ada/engine', '']) {
        assert.deepEqual((await secrets.granted('ada', repository, ['TOKEN'])).values, {});
      }
    });

    it('with a note of when', async () => {
      const secrets = await store();
      await put(secrets);
      now = 100_000;
      await secrets.used('ada', ['TOKEN']);
      now = 110_000;
      await secrets.used('ada', ['TOKEN']);
      assert.equal((await secrets.list('ada'))[0]?.usedAt, 100_000);
      now = 170_000;
      await secrets.used('ada', ['TOKEN']);
      assert.equal((await secrets.list('ada'))[0]?.usedAt, 170_000);
    });

    for (const [what, change] of [
      ['widened to another repository', `UPDATE handoff.secrets SET repositories = '{github.com/eve/trap}'`],
      ['given to another person', `UPDATE handoff.secrets SET owner = 'eve'`],
      ['given another name', `UPDATE handoff.secrets SET name = 'OTHER'`],
      ['changed', `UPDATE handoff.secrets SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)`],
    ] as const) {
      it(`never where its row was ${what} in the database`, async () => {
        const secrets = await store();
        await put(secrets);
        await own.pool.query(change);
        const { rows } = await own.pool.query('SELECT owner, name, repositories FROM handoff.secrets');
        const { owner, name, repositories } = rows[0];
        await assert.rejects(secrets.granted(owner, repositories[0], [name]), { code: 'conflict' });
      });
    }
  });

  describe('have a key', () => {
    it('made once, for the relay’s user alone', async () => {
      const data = await folder();
      const keys = await Promise.all(Array.from({ length: 8 }, () => loadVaultKey(data)));
      assert.equal(new Set(keys.map(({ bytes }) => bytes.toString('hex'))).size, 1);
      assert.equal((await stat(join(data, KEY_FILE))).mode & 0o777, 0o600);
    });

    it('that is refused where others may read it, or it is none', async () => {
      const data = await folder();
      await loadVaultKey(data);
      await chmod(join(data, KEY_FILE), 0o640);
      await assert.rejects(loadVaultKey(data), { code: 'conflict', nextAction: /chmod 600/ });
      await chmod(join(data, KEY_FILE), 0o600);
      await writeFile(join(data, KEY_FILE), 'short');
      await assert.rejects(loadVaultKey(data), { code: 'conflict' });
    });

    it('which relays on one database share, or are told to', async () => {
      const [first, second] = [await folder(), await folder()];
      const [one, two] = [await store(first), await store(second)];
      await put(one);
      const refused = {
        code: 'conflict',
        nextAction: new RegExp(`secrets-key of the first one to ${second}`),
      };
      await assert.rejects(two.granted('ada', REPOSITORY, ['TOKEN']), refused);
      await assert.rejects(put(two, 'SECOND'), refused);
      assert.equal((await one.list('ada')).length, 1);
      await copyFile(join(first, KEY_FILE), join(second, KEY_FILE));
      await put(two, 'SECOND');
      assert.deepEqual((await one.granted('ada', REPOSITORY, ['TOKEN', 'SECOND'])).values, {
        TOKEN: VALUE,
        SECOND: VALUE,
      });
    });

    it('without which they are added anew, one by one', async () => {
      const [lost, made] = [await store(), await store()];
      await put(lost);
      await put(made);
      assert.deepEqual((await made.granted('ada', REPOSITORY, ['TOKEN'])).values, { TOKEN: VALUE });
    });
  });

  describe('over HTTP', () => {
    const logged: unknown[] = [];
    async function api() {
      const app: App = new OpenAPIHono({
        defaultHook: (result) => {
          if (!result.success) throw result.error;
        },
      });
      app.use(async (context, next) => {
        context.set('requestId', 'r1');
        await next();
      });
      app.use(bearerAuth(OWNER_TOKEN, { ada: ADA_TOKEN }));
      secretRoutes(app, { secrets: await store() });
      const logger = { error: (...line: unknown[]) => void logged.push(line) };
      const answer = errorHandler(logger as never);
      app.onError((error, context) => answer(error, context));
      const fetched = async (input: unknown, init?: RequestInit) => app.request(String(input), init);
      const client = (token: string) =>
        createRelayClient({ url: 'http://127.0.0.1', token, fetch: fetched as typeof fetch }).secrets;
      return { app, ada: client(ADA_TOKEN), owner: client(OWNER_TOKEN), stranger: client('x'.repeat(20)) };
    }

    it('are put, listed and removed, each person’s own', async () => {
      const { ada, owner, stranger } = await api();
      const repositories = [`https://${REPOSITORY}`];
      await ada.put('TOKEN', { value: VALUE, repositories });
      assert.deepEqual(await ada.list(), {
        secrets: [{ name: 'TOKEN', repositories: [REPOSITORY], createdAt: 1000, updatedAt: 1000 }],
      });
      assert.deepEqual(await owner.list(), { secrets: [] });
      await assert.rejects(stranger.list(), { name: 'RelayError', code: 'unauthorized', status: 401 });
      await assert.rejects(owner.remove('TOKEN'), { code: 'not_found', status: 404 });
      await ada.remove('TOKEN');
      assert.deepEqual(await ada.list(), { secrets: [] });
    });

    it('never come out: in no answer, no refusal, no log', async () => {
      const { app } = await api();
      const request = async (method: string, path: string, body?: unknown): Promise<string> => {
        const answer = await app.request(`http://127.0.0.1${path}`, {
          method,
          headers: { authorization: `Bearer ${ADA_TOKEN}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return `${[...answer.headers].join()} ${await answer.text()}`;
      };
      const repositories = [`https://${REPOSITORY}`];
      const said = [
        await request('PUT', '/v1/secrets/TOKEN', { value: VALUE, repositories }),
        await request('PUT', '/v1/secrets/PATH', { value: VALUE, repositories }),
        await request('PUT', '/v1/secrets/TOKEN', { value: VALUE, repositories: [] }),
        await request('PUT', '/v1/secrets/TOKEN', { value: [VALUE], repositories }),
        await request('PUT', '/v1/secrets/TOKEN', { value: `${VALUE}\0`, repositories }),
        await request('PUT', '/v1/secrets/TOKEN', { value: VALUE, repositories: ['nowhere'] }),
        await request('GET', '/v1/secrets'),
        await request('DELETE', '/v1/secrets/TOKEN'),
      ];
      assert.ok(!JSON.stringify([said, logged]).includes(VALUE));
    });
  });

  it('are in the data folder only as a key', async () => {
    const data = await folder();
    await put(await store(data));
    const key = await readFile(join(data, KEY_FILE), 'utf8');
    assert.match(key, /^[\w-]{43}\n$/);
  });
});
