import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import { SandboxError } from '../../../server/sandbox/sandbox.ts';
import type { Fault } from '../../fakes/daytona/faults.ts';
import { shell } from '../sandbox/support/local.ts';
import { type HastyClock, hastyClock } from './support/clock.ts';
import { type DaytonaFixture, daytonaFixture } from './support/provider.ts';

describe('trouble with Daytona', () => {
  let fixture: DaytonaFixture;
  let clock: HastyClock;
  let relay: SandboxProvider;
  before(async () => {
    fixture = await daytonaFixture();
  });
  beforeEach(() => {
    clock = hastyClock();
    relay = fixture.relay({ clock });
  });
  afterEach(() => fixture.double.faults.clear());
  after(() => fixture.dispose());

  const REF = { provider: 'daytona', id: 'some-id' };
  const ANY = /^/;
  const befalls = (fault: Fault): void => fixture.double.faults.add(fault);
  const failure = async (work: Promise<unknown>): Promise<SandboxError> => {
    const error = await work.then(
      () => assert.fail('it did not fail'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SandboxError, inspect(error));
    return error;
  };

  it('too many requests: waits as it was asked to, then goes on', async () => {
    befalls({ on: ANY, does: { status: 429, headers: { 'Retry-After-Sandbox-Lifecycle': '7' } }, times: 2 });
    assert.deepEqual([await relay.state(REF), clock.waits], ['gone', [7_000, 7_000]]);
  });

  it('too many requests, for longer than anybody waits: is busy, and says so', async () => {
    befalls({
      on: ANY,
      does: { status: 429, headers: { 'retry-after': '40' }, body: { message: 'Slow down' } },
    });
    const error = await failure(relay.state(REF));
    assert.deepEqual(
      [error.code, error.message, error.nextAction, clock.waits],
      [
        'busy',
        'Daytona asks for patience (to look at the sandbox): Slow down.',
        'Wait a minute, then try again.',
        [40_000],
      ],
    );
  });

  for (const [what, does] of [
    ['an overloaded service', { status: 503, body: { message: 'overloaded' } }],
    ['a gateway’s page', { status: 502, body: '<html><h1>Bad Gateway</h1></html>' }],
    ['a broken connection', 'drop'],
  ] as const) {
    it(`${what}: is asked again, later and later, and goes on`, async () => {
      // The SDK itself repeats what a broken connection cut off, twice.
      befalls({ on: ANY, does, times: does === 'drop' ? 6 : 2 });
      assert.deepEqual([await relay.state(REF), clock.waits], ['gone', [500, 1_000]]);
    });

    it(`${what}, again and again: is busy`, async () => {
      befalls({ on: ANY, does });
      const error = await failure(relay.state(REF));
      assert.deepEqual([error.code, clock.waits], ['busy', [500, 1_000, 2_000, 4_000]]);
      assert.doesNotMatch(error.message, /<|html/);
    });
  }

  it('no answer at all: is busy after its time', async () => {
    befalls({ on: ANY, does: 'hang' });
    const error = await failure(fixture.relay({ clock, requestMs: 50 }).state(REF));
    assert.deepEqual([error.code, clock.waits.length], ['busy', 4]);
  });

  it('a page instead of the API: is busy, and names the setting', async () => {
    befalls({ on: ANY, does: { status: 200, body: '<html>Please log in to the hotel</html>' } });
    const error = await failure(relay.create({ taskId: 'hotel' }));
    assert.match(error.nextAction ?? '', /DAYTONA_API_URL/);
    assert.equal(error.code, 'busy');
  });

  it('a proxy’s “not found”: is not taken for a machine that is gone', async () => {
    befalls({ on: ANY, does: { status: 404, body: '404 page not found' } });
    const error = await failure(relay.state(REF));
    assert.deepEqual(
      [error.code, error.message],
      [
        'busy',
        'Daytona answered something that makes no sense (to look at the sandbox): 404 page not found.',
      ],
    );
  });

  it('a relay that was not built: is told what to do, and the machine can be used by the next', async () => {
    const error = await failure(fixture.relay({ supervisorPath: '/nowhere' }).create({ taskId: 'unbuilt' }));
    assert.deepEqual(
      [error.code, error.nextAction],
      ['unavailable', 'Build it (npm run build), or install Handoff again.'],
    );
    assert.equal((await shell(await relay.create({ taskId: 'unbuilt' }), 'echo works')).out, 'works\n');
  });

  it('a refusal for lack of room: is unavailable, in the vendor’s words, and nothing is tried again', async () => {
    const body = { message: `Total CPU limit exceeded. Maximum allowed: 10.${' More words.'.repeat(100)}` };
    for (const status of [400, 403]) {
      fixture.double.faults.clear();
      befalls({ on: /^POST \/sandbox$/, does: { status, body } });
      const error = await failure(relay.create({ taskId: 'room' }));
      assert.equal(error.code, 'unavailable');
      assert.match(error.message, /Total CPU limit exceeded\. Maximum allowed: 10\./);
      assert.ok(error.message.length < 400);
      assert.ok(error.nextAction);
    }
    assert.deepEqual(clock.waits, []);
  });

  it('a wrong key: is unavailable, names the setting, and the key is nowhere', async () => {
    const apiKey = 'dtn_canary_0123456789';
    const lines: string[] = [];
    const wrong = fixture.relay({ apiKey, log: (line) => lines.push(line) });
    befalls({ on: /^GET/, does: { status: 401, body: { message: `Bad key ${apiKey}` } } });
    const error = await failure(wrong.create({ taskId: 'key' }));
    assert.deepEqual(
      [error.code, error.message],
      ['unavailable', 'Daytona refuses this (to look at the sandbox): Bad key ***.'],
    );
    assert.match(error.nextAction ?? '', /DAYTONA_API_KEY/);
    const everything = inspect([error, error.cause, lines], { depth: 20, showHidden: true });
    assert.ok(!everything.includes(apiKey), everything);
  });

  it('whatever fails: neither key, token nor the supervisor’s key is in the error', async () => {
    const sandbox = await relay.create({ taskId: 'canary' });
    const { previewToken } = fixture.double.world.sandbox(sandbox.ref.id);
    const { out: key } = await shell(
      sandbox,
      'sed \'s/.*"key":"//;s/".*//\' /dev/shm/handoff-*/supervisor.json',
    );
    assert.ok(key.length > 40, key);
    const secrets = [fixture.double.apiKey, previewToken, key.trim()];
    const seen: unknown[] = [];
    for (const does of [
      { status: 500 },
      { status: 401 },
      { status: 400 },
      { status: 429 },
      'drop',
    ] as const) {
      fixture.double.faults.clear();
      befalls({ on: /^(?!GET \/sandbox\/[^/]+$)/, does });
      fixture.double.behind.expireTokens(sandbox.ref.id);
      fixture.double.behind.cutConnections();
      const outcomes = await Promise.allSettled([
        shell(sandbox, 'true'),
        shell(sandbox, 'true'),
        relay.create({ taskId: 'other' }),
        relay.hibernate(sandbox.ref),
        relay.snapshot(sandbox.ref, 'canary'),
        relay.list(),
      ]);
      seen.push(...outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : [])));
    }
    fixture.double.faults.clear();
    befalls({ on: ANY, does: 'drop' });
    seen.push(await failure(relay.list()));
    assert.ok(seen.length > 15, `${seen.length} failed`);
    assert.deepEqual(
      seen.filter((one) => !(one instanceof SandboxError)),
      [],
    );
    const everything = inspect(seen, { depth: 20, showHidden: true });
    assert.deepEqual(
      secrets.filter((secret) => everything.includes(secret)),
      [],
    );
  }).timeout(60_000);

  it('a relay that closes: ends what waits', async () => {
    befalls({ on: ANY, does: 'hang' });
    const closing = fixture.relay();
    const waiting = failure(closing.state(REF));
    const [{ code }] = await Promise.all([waiting, closing.close()]);
    assert.equal(code, 'cancelled');
  });

  it('a service that is not there: is busy', async () => {
    const nobody = fixture.relay({ clock, apiUrl: 'http://127.0.0.1:1/api' });
    const error = await failure(nobody.state(REF));
    assert.equal(error.code, 'busy');
  });
});
