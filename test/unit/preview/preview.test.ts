import assert from 'node:assert/strict';
import { ask, send } from '../../fakes/preview-visitor.ts';
import { openStage, type Stage, TASK } from './stage.ts';

const HOUR = 3_600_000;

describe('a preview', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  });
  afterEach(() => stage.close());

  it('is opened by a link whose key is gone from the address afterwards', async () => {
    const port = await stage.serve((_, response) => response.end('the page'));
    const opened = await stage.previews.open(TASK, { port, minutes: 60 });
    const url = new URL(opened.url);
    assert.deepEqual(
      { ...opened, url: url.host.replace(opened.previewId, 'ID').replace(url.port, 'PORT') },
      { previewId: opened.previewId, port, expiresAt: stage.clock.now + HOUR, url: 'ID.localhost:PORT' },
    );
    const entered = await send(Number(url.port), url.pathname + url.search, { headers: { host: url.host } });
    const [cookie = ''] = entered.headers['set-cookie'] ?? [];
    assert.deepEqual(
      {
        status: entered.status,
        location: entered.headers.location,
        referrer: entered.headers['referrer-policy'],
        cache: entered.headers['cache-control'],
        cookie: cookie.replace(/=[\w-]{43};/, '=SECRET;'),
      },
      {
        status: 303,
        location: '/',
        referrer: 'no-referrer',
        cache: 'no-store',
        cookie: 'handoff-preview=SECRET; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax',
      },
    );
    const [pair = ''] = cookie.split(';');
    const page = await send(Number(url.port), '/', { headers: { host: url.host, cookie: pair } });
    assert.deepEqual([page.status, page.text], [200, 'the page']);
  });

  it('opens in one browser, once; there it may be opened again', async () => {
    const port = await stage.serve((_, response) => response.end('the page'));
    const visitor = await stage.visit(port);
    const { pathname, search } = new URL(visitor.url);
    const again = await send(visitor.port, pathname + search, { headers: { host: visitor.host } });
    const same = await ask(visitor, pathname + search);
    assert.deepEqual(
      [again.status, again.headers['set-cookie'], same.status, same.headers.location],
      [410, undefined, 303, '/'],
    );
  });

  it('is no more than any other name to whoever has no key: the same page, to the byte', async () => {
    const port = await stage.serve((_, response) => response.end('the page'));
    const visitor = await stage.visit(port);
    const unopened = new URL((await stage.previews.open(TASK, { port, minutes: 60 })).url);
    const asked = [
      { host: visitor.host },
      { host: visitor.host, cookie: 'handoff-preview=wrong' },
      { host: visitor.host, cookie: `${visitor.cookie}x` },
      { host: unopened.host },
      { host: unopened.host, cookie: visitor.cookie },
      { host: `${'0'.repeat(32)}.localhost:${visitor.port}` },
    ].map((headers) => send(visitor.port, '/', { headers }));
    const wrongKeys = [visitor.host, unopened.host, `${'0'.repeat(32)}.localhost`].map((host) =>
      send(visitor.port, '/.handoff/open?wrong', { headers: { host } }),
    );
    const answers = (await Promise.all([...asked, ...wrongKeys])).map(({ status, text }) => ({
      status,
      text,
    }));
    assert.equal(answers[0]?.status, 404);
    assert.deepEqual(answers, Array(answers.length).fill(answers[0]));
  });

  it('ends when its time is over, and says so to the browser that had it', async () => {
    const port = await stage.serve((_, response) => response.end('the page'));
    const visitor = await stage.visit(port);
    const late = new URL((await stage.previews.open(TASK, { port, minutes: 60 })).url);
    stage.clock.now += HOUR;
    const ended = await ask(visitor, '/');
    const key = await send(visitor.port, late.pathname + late.search, { headers: { host: late.host } });
    const stranger = await send(visitor.port, '/', { headers: { host: visitor.host } });
    assert.deepEqual([ended.status, key.status, stranger.status], [410, 410, 404]);
    assert.match(ended.text, /This preview has ended/);
    assert.deepEqual(await stage.previews.list(TASK), []);
  });

  it('is listed without what opens it, newest first, and revoked by its task alone', async () => {
    const port = await stage.serve((_, response) => response.end('the page'));
    const first = await stage.visit(port);
    const second = await stage.previews.open(TASK, { port, minutes: 5 });
    const at = stage.clock.now;
    assert.deepEqual(await stage.previews.list(TASK), [
      { previewId: second.previewId, port, createdAt: at, expiresAt: at + 300_000, isOpened: false },
      { previewId: first.previewId, port, createdAt: at, expiresAt: at + HOUR, isOpened: true },
    ]);
    await assert.rejects(stage.previews.revoke('another', first.previewId), { code: 'not_found' });
    await stage.previews.revoke(TASK, first.previewId);
    assert.equal((await ask(first, '/')).status, 410);
    assert.deepEqual(
      (await stage.previews.list(TASK)).map(({ previewId }) => previewId),
      [second.previewId],
    );
  });

  it('is refused where nothing listens, with the ports where something does', async () => {
    await assert.rejects(stage.previews.open(TASK, { port: 1, minutes: 60 }), {
      code: 'conflict',
      message: 'Nothing listens on port 1 of the task’s sandbox. No other port is open, either.',
      nextAction:
        'Name the server as a service in .handoff/config.json, or look while the agent runs it: what the agent starts ends with its turn.',
    });
    const port = await stage.serve(() => {});
    await assert.rejects(stage.previews.open(TASK, { port: 1, minutes: 60 }), {
      code: 'conflict',
      message: `Nothing listens on port 1 of the task’s sandbox. Open are: ${port}.`,
      nextAction: 'Open one of these.',
    });
    stage.machine.is = 'none';
    await assert.rejects(stage.previews.open(TASK, { port, minutes: 60 }), { code: 'conflict' });
  });

  it('is refused beyond fifty, until one is revoked', async () => {
    const port = await stage.serve(() => {});
    const [first] = await Promise.all(
      Array.from({ length: 50 }, () => stage.previews.open(TASK, { port, minutes: 60 })),
    );
    await assert.rejects(stage.previews.open(TASK, { port, minutes: 60 }), { code: 'conflict' });
    await stage.previews.revoke(TASK, first?.previewId ?? '');
    await stage.previews.open(TASK, { port, minutes: 60 });
  });

  it('says that a server is not up yet, and looks again by itself', async () => {
    const port = await stage.serve((_, response) => response.end('up'));
    const visitor = await stage.visit(port);
    const [link] = stage.store.links.values();
    assert.ok(link);
    stage.store.links.set(link.previewId, { ...link, port: 9 });
    const page = await ask(visitor, '/');
    assert.deepEqual(
      [page.status, /http-equiv="refresh"/.test(page.text), /<script/.test(page.text), stage.activity],
      [502, true, false, []],
    );
    assert.equal(
      page.headers['content-security-policy'],
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    stage.store.links.set(link.previewId, link);
    assert.equal((await ask(visitor, '/')).text, 'up');
  });

  it('says that the sandbox sleeps, wakes it when asked to, and leads back', async () => {
    const port = await stage.serve((_, response) => response.end('up'));
    const visitor = await stage.visit(port);
    stage.machine.is = 'asleep';
    const asleep = await ask(visitor, '/deep?q=%22%3E');
    assert.deepEqual(
      [asleep.status, /action="([^"]*)"/.exec(asleep.text)?.[1], /refresh/.test(asleep.text)],
      [503, '/.handoff/wake?to=%2Fdeep%3Fq%3D%2522%253E', false],
    );
    const origin = `http://${visitor.host}`;
    const gate = Promise.withResolvers<void>();
    stage.machine.wake = () => gate.promise;
    const wake = () =>
      ask(visitor, '/.handoff/wake?to=%2Fdeep%3Fq%3D1', { method: 'POST', headers: { origin } });
    const [woken] = [await wake(), await wake()];
    assert.deepEqual([woken.status, woken.headers.location, stage.machine.wakes], [303, '/deep?q=1', 1]);
    assert.match((await ask(visitor, '/deep')).text, /The sandbox wakes up.*/);
    stage.machine.is = 'awake';
    gate.resolve();
    await gate.promise;
    assert.equal((await ask(visitor, '/deep')).text, 'up');
  });

  it('says why the sandbox could not be woken', async () => {
    const { SandboxError } = await import('../../../server/sandbox/sandbox.ts');
    const visitor = await stage.visit(await stage.serve((_, response) => response.end('up')));
    stage.machine.is = 'asleep';
    stage.machine.wake = () =>
      Promise.reject(new SandboxError('unavailable', 'No <b>machine</b>.', { nextAction: 'Mend it.' }));
    await ask(visitor, '/.handoff/wake', { method: 'POST' });
    assert.match(
      (await ask(visitor, '/')).text,
      /It could not be woken\. No &#60;b&#62;machine&#60;\/b&#62;\. Mend it\./,
    );
  });

  it('leads nowhere else after waking', async () => {
    const visitor = await stage.visit(await stage.serve((_, response) => response.end('up')));
    const targets = [
      '//evil.example',
      'https://evil.example/x',
      '/\\evil.example',
      '\\\\evil.example',
      '/..//evil.example',
    ];
    const led = targets.map(async (to) => {
      const path = `/.handoff/wake?to=${encodeURIComponent(to)}`;
      const { location = '' } = (await ask(visitor, path, { method: 'POST' })).headers;
      return new URL(location, 'http://here').origin;
    });
    assert.deepEqual(await Promise.all(led), Array(targets.length).fill('http://here'));
  });

  it('counts as activity once a minute', async () => {
    const visitor = await stage.visit(await stage.serve((_, response) => response.end('up')));
    for (const pass of [0, 1_000, 58_000, 2_000]) {
      stage.clock.now += pass;
      await ask(visitor, '/');
    }
    assert.deepEqual(stage.activity, [TASK, TASK]);
  });

  it('asks anew, once, where the sandbox was lost under it', async () => {
    const visitor = await stage.visit(await stage.serve((_, response) => response.end('up')));
    await ask(visitor, '/');
    const before = stage.machine.asked;
    stage.machine.is = 'asleep';
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(visitor, '/')));
    assert.deepEqual(
      [answers.map(({ status }) => status), stage.machine.asked - before],
      [Array(10).fill(503), 1],
    );
  });

  it('asks whether the sandbox runs once, and not for each of a thousand requests', async () => {
    const visitor = await stage.visit(await stage.serve((_, response) => response.end('up')));
    const before = stage.machine.asked;
    let good = 0;
    const worker = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) if ((await ask(visitor, '/')).text === 'up') good += 1;
    };
    await Promise.all(Array.from({ length: 20 }, worker));
    assert.deepEqual([good, stage.machine.asked - before], [1_000, 1]);
  });
});
