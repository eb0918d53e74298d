import assert from 'node:assert/strict';
import type { ExecRequest, Sandbox, SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

/** A command's id is its identity: it runs once, and can be heard again. */
export const attach: Topic = (fixture) => {
  const machine = machineFor(fixture);
  const others: SandboxProvider[] = [];
  /** The machine as the next relay has it. */
  const elsewhere = (): Promise<Sandbox> => {
    const provider = fixture().anotherRelay();
    others.push(provider);
    return provider.resume(machine().ref);
  };
  afterEach(async () => {
    for (const provider of others.splice(0)) await provider.close();
  });

  const listen = (sandbox: Sandbox, asked: ExecRequest) => {
    let heard = '';
    const first = Promise.withResolvers<void>();
    const result = sandbox.exec(asked, {
      onOutput: ({ data }) => {
        heard += Buffer.from(data);
        first.resolve();
      },
    });
    return { first: first.promise, result, heard: () => heard };
  };

  it('runs a command once, and tells output and result again to who asks again', async () => {
    const asked = request(['bash', '-c', 'echo run >> runs; echo out; echo err >&2; exit 4']);
    const first = await machine().exec(asked);
    const replayed: string[] = [];
    const second = await machine().exec(asked, {
      onOutput: ({ name, data }) => replayed.push(`${name}: ${Buffer.from(data)}`),
    });
    assert.deepEqual(second, first);
    assert.deepEqual(replayed.toSorted(), ['stderr: err\n', 'stdout: out\n']);
    assert.equal((await shell(machine(), 'cat runs')).out, 'run\n');
  });

  it('runs a command once, however many ask for it at the same time, of however many relays', async () => {
    const asked = request(['bash', '-c', 'echo run >> at-once; sleep 0.1; echo out']);
    const relays = await Promise.all([elsewhere(), elsewhere()]);
    const results = await Promise.all(
      [machine(), ...relays, machine(), ...relays].map((one) => one.exec(asked)),
    );
    assert.deepEqual(results.map(texts), Array(6).fill({ out: 'out\n', err: '' }));
    assert.equal((await shell(machine(), 'cat at-once')).out, 'run\n');
  });

  it('takes the id for the command, whatever is asked for under it later', async () => {
    const { execId } = request([]);
    await machine().exec(request(['echo', 'first'], { execId }));
    const second = await machine().exec(request(['touch', 'second'], { execId }));
    assert.equal(texts(second).out, 'first\n');
    await assert.rejects(machine().readFile('second'), { code: 'not-found' });
  });

  it('takes any id', async () => {
    const ids = ['../../etc', "it's\n$(id)", 'größe 🚀', '', ' ', 'x'.repeat(10_000), 'x'.repeat(9_999)];
    const said = await Promise.all(
      ids.map(
        async (execId, at) => texts(await machine().exec(request(['echo', String(at)], { execId }))).out,
      ),
    );
    assert.deepEqual(
      said,
      ids.map((_, at) => `${at}\n`),
    );
  });

  it('lets several callers hear all of the output, also late ones', async () => {
    await shell(machine(), 'mkfifo several');
    const asked = request(['bash', '-c', 'echo one; cat several']);
    const early = listen(machine(), asked);
    await early.first;
    const late = listen(await elsewhere(), asked);
    await late.first;
    await shell(machine(), 'echo two > several');
    await Promise.all([early.result, late.result]);
    assert.deepEqual([early.heard(), late.heard()], ['one\ntwo\n', 'one\ntwo\n']);
  });

  it('goes on when the relay lets go, and another hears it from its beginning to its end', async () => {
    await shell(machine(), 'mkfifo gate');
    const asked = request(['bash', '-c', 'echo one; cat gate; exit 5']);
    const before = listen(await elsewhere(), asked);
    await before.first;
    const cut = assert.rejects(before.result, { code: 'lost' });
    await others[0]?.close();
    await cut;
    const after = listen(await elsewhere(), asked);
    await after.first;
    await shell(machine(), 'echo two > gate');
    const result = await after.result;
    assert.deepEqual(
      { heard: after.heard(), exitCode: result.exitCode, ...texts(result) },
      { heard: 'one\ntwo\n', exitCode: 5, out: 'one\ntwo\n', err: '' },
    );
  });

  it('is stopped by a relay that did not start it', async () => {
    const asked = request(['bash', '-c', 'echo up; sleep 1000']);
    const running = listen(machine(), asked);
    await running.first;
    const stopped = await (await elsewhere()).exec(asked, { signal: AbortSignal.abort() });
    assert.deepEqual([stopped.reason, (await running.result).reason], ['cancelled', 'cancelled']);
  });

  it('has a result although nobody was there when it ended', async () => {
    await shell(machine(), 'mkfifo alone');
    const asked = request(['bash', '-c', 'echo one; cat alone; touch ended']);
    const before = listen(await elsewhere(), asked);
    await before.first;
    const cut = assert.rejects(before.result, { code: 'lost' });
    await others[0]?.close();
    await cut;
    await shell(machine(), 'echo two > alone; until [ -e ended ]; do sleep 0.02; done');
    const { exitCode, reason, ...rest } = await machine().exec(asked);
    assert.deepEqual(
      { exitCode, reason, ...texts({ exitCode, reason, ...rest }) },
      {
        exitCode: 0,
        reason: 'exit',
        out: 'one\ntwo\n',
        err: '',
      },
    );
  });
};
