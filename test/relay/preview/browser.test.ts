import assert from 'node:assert/strict';
import type { Browser, BrowserContext } from 'playwright-core';
import { WebSocketServer } from 'ws';
import { openStage, type Stage, TASK } from '../../unit/preview/stage.ts';
import { launchBrowser } from '../../webview/browser.ts';

/** What a browser makes of it: names below localhost, cookies, sites and redirects are its own affair. */
describe('a preview in a browser', function () {
  this.timeout(120_000);
  let browser: Browser;
  let context: BrowserContext;
  let stage: Stage;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    stage = await openStage();
    context = await browser.newContext();
  });
  afterEach(async () => {
    await context.close();
    await stage.close();
  });

  const open = async (port: number) => {
    const { url } = await stage.previews.open(TASK, { port, minutes: 60 });
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };

  it('opens by its link, without the key in its address, and keeps working: cookies, redirects, WebSockets', async () => {
    const { Server } = await import('node:http');
    const server = new Server((request, response) => {
      if (request.url === '/login') {
        response
          .writeHead(302, {
            location: `http://localhost:${port}/home`,
            'set-cookie': 'session=1; Domain=localhost; Path=/; HttpOnly',
          })
          .end();
        return;
      }
      response.setHeader('content-type', 'text/html');
      response.end(`<title>${request.url}</title><p>${request.headers.cookie ?? 'no cookie'}</p>`);
    });
    new WebSocketServer({ server }).on('connection', (socket) => socket.send('hot'));
    const port = await stage.serve(server);
    const page = await open(port);
    const at = new URL(page.url());
    assert.deepEqual([await page.title(), at.search, at.pathname], ['/', '', '/']);
    assert.match(at.hostname, /^[0-9a-f]{32}\.localhost$/);
    await page.goto(new URL('/login', at).href);
    assert.deepEqual([page.url(), await page.innerText('p')], [new URL('/home', at).href, 'session=1']);
    const said = await page.evaluate(
      () =>
        new Promise((resolve) => {
          new WebSocket(`ws://${location.host}/`).addEventListener('message', ({ data }) => resolve(data));
        }),
    );
    assert.equal(said, 'hot');
    assert.equal(await page.evaluate(() => document.cookie), '');
  });

  it('has a page that reaches no other preview: not by fetch, form, frame, image or WebSocket', async () => {
    const seen: string[] = [];
    const victimPort = await stage.serve((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
      response.setHeader('access-control-allow-credentials', 'true');
      response.setHeader('content-type', 'text/html');
      response.end('<p>private</p>');
    });
    const attackerPort = await stage.serve((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<p>attacker</p>');
    });
    const victim = await open(victimPort);
    const attacker = await open(attackerPort);
    const before = seen.length;
    const target = new URL(victim.url()).origin;
    const reached = await attacker.evaluate(async (origin) => {
      const tried = {
        fetch: await fetch(`${origin}/f`, { credentials: 'include' }).then(
          (answer) => answer.text(),
          () => 'failed',
        ),
        blind: await fetch(`${origin}/b`, { method: 'POST', mode: 'no-cors', credentials: 'include' }).then(
          ({ type }) => type,
          () => 'failed',
        ),
        socket: await new Promise((resolve) => {
          const socket = new WebSocket(`${origin.replace('http', 'ws')}/w`);
          socket.addEventListener('open', () => resolve('open'));
          socket.addEventListener('error', () => resolve('failed'));
        }),
        image: await new Promise((resolve) => {
          const image = new Image();
          image.addEventListener('load', () => resolve('loaded'));
          image.addEventListener('error', () => resolve('failed'));
          image.src = `${origin}/i`;
        }),
      };
      const frame = document.createElement('iframe');
      frame.src = `${origin}/r`;
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
      document.body.append(frame);
      await loaded;
      return tried;
    }, target);
    assert.deepEqual(
      [reached, seen.slice(before)],
      [{ fetch: 'failed', blind: 'opaque', socket: 'failed', image: 'failed' }, []],
    );
    await attacker.evaluate((origin) => {
      const form = document.createElement('form');
      form.method = 'post';
      form.action = `${origin}/p`;
      document.body.append(form);
      form.submit();
    }, target);
    await attacker.waitForURL(`${target}/p`);
    assert.deepEqual([await attacker.innerText('h1'), seen.slice(before)], ['No preview here', []]);
    // A link leads there, as it leads anywhere.
    await attacker.goto(`${new URL(attacker.url()).origin}/`);
    assert.equal(await victim.evaluate(() => fetch('/').then((answer) => answer.text())), '<p>private</p>');
  });

  it('wakes a sandbox by the button of its page, and comes back by itself', async () => {
    const port = await stage.serve((_, response) => response.end('up'));
    const page = await open(port);
    stage.machine.is = 'asleep';
    await page.goto(new URL('/deep?x=1', page.url()).href);
    assert.equal(await page.innerText('h1'), 'The sandbox sleeps');
    await page.getByRole('button', { name: 'Wake it' }).click();
    await page.getByText('up', { exact: true }).waitFor();
    assert.deepEqual([new URL(page.url()).pathname, stage.machine.wakes], ['/deep', 1]);
  });
});
