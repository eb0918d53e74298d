import assert from 'node:assert/strict';
import {
  type Connection,
  type ConnectionDeps,
  createConnection,
} from '../../../extension/relay/connection.ts';
import { ExpectedError } from '../../../extension/ui/failure.ts';
import { type RelayDouble, silent, startRelayDouble } from './relay-double.ts';

describe('the connection', () => {
  let relays: RelayDouble[];
  let connection: Connection;
  let states: string[];
  let clients: number;

  const relay = async (options?: { protocol?: number }) => {
    const started = await startRelayDouble(options);
    relays.push(started);
    return started;
  };
  function connect(deps: Partial<ConnectionDeps>): Connection {
    connection = createConnection({
      find: async () => undefined,
      start: () => assert.fail('started a relay'),
      log: silent,
      graceMs: 0,
      ...deps,
    });
    connection.events.on('state', ({ kind }) => states.push(kind));
    connection.events.on('client', () => (clients += 1));
    return connection;
  }
  const until = (kind: string) =>
    new Promise<void>((resolve) => {
      connection.events.on('state', (state) => {
        if (state.kind === kind) resolve();
      });
    });

  beforeEach(() => {
    relays = [];
    states = [];
    clients = 0;
  });
  afterEach(async () => {
    connection.dispose();
    await Promise.all(relays.map((each) => each.close()));
  });

  it('asks nobody until it is needed', () => {
    connect({ find: () => assert.fail('looked for a relay') });
    assert.deepEqual(connection.state(), { kind: 'idle' });
  });

  it('uses the relay that is there, once for all who ask', async () => {
    const one = await relay();
    let looks = 0;
    connect({
      find: async () => {
        looks += 1;
        return one;
      },
    });
    const [a, b] = await Promise.all([connection.client(), connection.client()]);
    assert.deepEqual([a === b, looks, clients, states], [true, 1, 1, ['starting', 'connected']]);
  });

  it('starts one where none is', async () => {
    const one = await relay();
    connect({ start: async () => one });
    await connection.client();
    assert.deepEqual(connection.state(), { kind: 'connected', url: one.url });
  });

  it('tells why there is none, and tries again when asked again', async () => {
    const one = await relay();
    let attempts = 0;
    connect({
      start: async () => {
        attempts += 1;
        if (attempts === 1) throw new ExpectedError('not_ready', 'No disk.', 'Make room.');
        return one;
      },
    });
    await assert.rejects(connection.client(), { message: 'No disk.' });
    assert.deepEqual(connection.state(), {
      kind: 'unavailable',
      failure: { code: 'not_ready', message: 'No disk.', nextAction: 'Make room.' },
    });
    await connection.client();
    assert.equal(connection.state().kind, 'connected');
  });

  it('refuses a relay of another protocol, and a token that it does not take', async () => {
    const other = await relay({ protocol: 99 });
    connect({ find: async () => other });
    await assert.rejects(connection.client(), { code: 'incompatible_client' });
    const one = await relay();
    connection.dispose();
    connect({ find: async () => ({ url: one.url, token: 'wrong' }) });
    await assert.rejects(connection.client(), { code: 'unauthorized' });
  });

  it('goes on with the same client where a lost relay comes back as it was', async () => {
    const one = await relay();
    connect({ find: async () => one, graceMs: 1000 });
    const before = await connection.client();
    const back = until('connected');
    connection.lost();
    connection.lost();
    await back;
    assert.deepEqual([(await connection.client()) === before, clients], [true, 1]);
    assert.deepEqual(states, ['starting', 'connected', 'reconnecting', 'connected']);
  });

  it('starts another one where a lost relay does not come back, and says that the client is new', async () => {
    const [one, two] = [await relay(), await relay()];
    let isThere = true;
    connect({ find: async () => (isThere ? one : undefined), start: async () => two });
    await connection.client();
    isThere = false;
    const back = until('connected');
    connection.lost();
    await back;
    assert.deepEqual([connection.state(), clients], [{ kind: 'connected', url: two.url }, 2]);
  });

  it('notices a relay that came up later, without starting one', async () => {
    const one = await relay();
    let isThere = false;
    let starts = 0;
    connect({
      find: async () => (isThere ? one : undefined),
      start: async () => {
        starts += 1;
        throw new ExpectedError('not_ready', 'Broken.', 'Mend it.');
      },
    });
    await assert.rejects(connection.client());
    await connection.revive();
    assert.equal(connection.state().kind, 'unavailable');
    isThere = true;
    await connection.revive();
    assert.deepEqual([connection.state().kind, starts], ['connected', 1]);
  });

  it('connects anew after a reset', async () => {
    const [one, two] = [await relay(), await relay()];
    let address = one;
    connect({ find: async () => address });
    await connection.client();
    address = two;
    connection.reset();
    await connection.client();
    assert.deepEqual([connection.state(), clients], [{ kind: 'connected', url: two.url }, 2]);
  });
});
