import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { ask, enter, send } from '../../fakes/preview-visitor.ts';
import { openStage, type Stage, TASK } from './stage.ts';

describe('where previews are served', () => {
  const stages: Stage[] = [];
  const open = async (overrides: Parameters<typeof openStage>[0] = {}): Promise<Stage> => {
    const stage = await openStage(overrides);
    stages.push(stage);
    return stage;
  };
  afterEach(() => Promise.all(stages.splice(0).map((stage) => stage.close())));

  const taken = async (): Promise<{ port: number; free: () => void }> => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return { port: typeof address === 'object' && address ? address.port : 0, free: () => server.close() };
  };

  it('is another port where the usual one is taken', async () => {
    const { port, free } = await taken();
    const stage = await open({ listen: { host: '127.0.0.1', port, isChosen: false } });
    const served = await stage.serve((_, response) => response.end('the page'));
    const visitor = await stage.visit(served);
    assert.deepEqual([(await ask(visitor, '/')).text, visitor.port !== port], ['the page', true]);
    free();
  });

  it('is the chosen port or none: it is tried again with the next preview', async () => {
    const { port, free } = await taken();
    const stage = await open({
      listen: { host: '127.0.0.1', port, isChosen: true },
      previewUrl: 'https://{id}.preview.example.com',
    });
    const served = await stage.serve((_, response) => response.end('the page'));
    await assert.rejects(stage.previews.open(TASK, { port: served, minutes: 60 }), {
      code: 'not_ready',
      message: `Port ${port} on 127.0.0.1, where previews are served, is in use.`,
    });
    assert.deepEqual(await stage.previews.list(TASK), []);
    free();
    await stage.previews.open(TASK, { port: served, minutes: 60 });
  });

  it('is behind the address that the relay’s owner set, by https, with a cookie that no other preview can set', async () => {
    const { port, free } = await taken();
    free();
    const listen = { host: '127.0.0.1', port, isChosen: true };
    const stage = await open({ listen, previewUrl: 'https://{id}.preview.example.com' });
    const served = await stage.serve((request, response) => response.end(request.headers.origin));
    const { url, previewId } = await stage.previews.open(TASK, { port: served, minutes: 60 });
    const { origin, host, pathname, search } = new URL(url);
    const entered = await send(port, pathname + search, { headers: { host } });
    const [cookie = ''] = entered.headers['set-cookie'] ?? [];
    const visitor = { host, port, cookie: cookie.split(';')[0] ?? '' };
    assert.deepEqual(
      [
        origin,
        cookie.replace(/=[\w-]{43};/, '=SECRET;'),
        (await ask(visitor, '/', { headers: { origin } })).text,
        (await ask(visitor, '/', { headers: { origin: origin.replace('https', 'http') } })).status,
      ],
      [
        `https://${previewId}.preview.example.com`,
        '__Host-handoff-preview=SECRET; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure',
        `http://localhost:${served}`,
        403,
      ],
    );
  });

  it('is served again after a restart while a link is open, and not otherwise', async () => {
    const first = await open();
    const visitor = await first.visit(await first.serve((_, response) => response.end('the page')));
    await first.previews.close();
    const listen = { host: '127.0.0.1', port: visitor.port, isChosen: false };
    const idle = await open({ listen });
    await idle.previews.restore();
    await assert.rejects(ask(visitor, '/'), { code: 'ECONNREFUSED' });
    const second = await open({ listen, store: first.store });
    await second.previews.restore();
    assert.equal((await ask(visitor, '/')).status, 200);
    const again = await enter(
      (await second.previews.open(TASK, { port: await second.serve(() => {}), minutes: 60 })).url,
    );
    assert.equal(again.port, visitor.port);
  });
});
