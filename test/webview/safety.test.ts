import assert from 'node:assert/strict';
import type { NewEvent } from '../../server/protocol/events.ts';
import { created, log, snapshot, TASK_ID } from './story.ts';
import { usePanels } from './suite.ts';

/** What a hostile repository could make a model say. A page that loads, runs or opens anything fails its test. */
const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<img src="https://evil.example/?leak">',
  '![leak](https://evil.example/leak.png)',
  '![leak](data:image/svg+xml;base64,PHN2Zy8+)',
  '![a][b]\n\n[b]: https://evil.example/x.png',
  '[click](javascript:alert(1))',
  '[click](JaVaScRiPt:alert(1))',
  '[click](java&#115;cript:alert(1))',
  '[click](java\tscript:alert(1))',
  '[click](&#1;javascript:alert(1))',
  '[click](vbscript:alert(1))',
  '[click](data:text/html,<script>alert(1)</script>)',
  '[click](command:workbench.action.quit)',
  '[click](file:///etc/passwd)',
  '[click](//evil.example)',
  '<javascript:alert(1)>',
  '<svg onload=alert(1)><script>alert(1)</script></svg>',
  '<svg><animate onbegin=alert(1) attributeName=x></svg>',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
  '<style>body{background:url(https://evil.example/css)}</style>',
  '<link rel=stylesheet href=https://evil.example/x.css>',
  '<iframe src="https://evil.example"></iframe>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<object data="https://evil.example"></object><embed src="https://evil.example">',
  '<form action="https://evil.example"><input name=a><button>go</button></form>',
  '<base href="https://evil.example/">',
  '<meta http-equiv="refresh" content="0;url=https://evil.example">',
  '<a href="javascript:alert(1)" onclick="alert(1)">x</a>',
  '<div style="position:fixed;inset:0;background:url(https://evil.example/x)">cover</div>',
  '<details open ontoggle=alert(1)>x</details>',
  '<video><source onerror=alert(1)></video><audio src=https://evil.example/a onerror=alert(1)>',
  '<b class="app" id="root">x</b>',
  '```html\n<img src=x onerror=alert(1)>\n```',
  '```"><img src=x onerror=alert(1)>\ncode\n```',
  '`<img src=x onerror=alert(1)>`',
  '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
  '[x](https://a.example/"onmouseover="alert(1))',
  '| <img src=x onerror=alert(1)> |\n|---|\n| <script>alert(1)</script> |',
  '[`<img src=x onerror=alert(1)>`](src/a.ts"onclick="alert(1))',
];

/** Exhausts the markdown parser's stack. */
const nested = '> '.repeat(10_000);

const answer = (text: string): NewEvent[] => [
  created,
  { type: 'turn.started', turnId: 't' },
  { type: 'message.delivered', turnId: 't', messageId: 'm', text },
  { type: 'tool.started', turnId: 't', callId: 'c', name: 'bash', input: { command: text } },
  {
    type: 'tool.finished',
    turnId: 't',
    callId: 'c',
    name: 'bash',
    output: text,
    isError: true,
    durationMs: 1,
  },
  { type: 'model.answered', turnId: 't', messageId: 'a', attempt: 1, text, toolCalls: [], usage: {} },
  { type: 'turn.ended', turnId: 't', outcome: 'completed', usage: {} },
];

/** Runs in the page: what there is that markdown does not make. */
function strangers(): string[] {
  const allowed = new Set(
    'article div p br hr strong em del code pre blockquote a span h1 h2 h3 h4 h5 h6 ul ol li table thead tbody tr th td figure figcaption button'.split(
      ' ',
    ),
  );
  const bad: string[] = [];
  for (const element of document.querySelectorAll('.answer, .answer *')) {
    if (!allowed.has(element.localName)) bad.push(`<${element.localName}>`);
    for (const { name, value } of element.attributes) {
      if (/^on|^style$|^src|^id$/.test(name)) bad.push(`${name}="${value}"`);
      if (name === 'href' && !/^(https?:\/\/|mailto:|#$)/i.test(value)) bad.push(`href="${value}"`);
    }
  }
  return bad;
}

describe('what a model says cannot act in the panel', () => {
  const panels = usePanels();

  it('loads, runs and opens nothing, in any form', async () => {
    const { page, post } = await panels.open();
    for (const text of [...hostile, nested]) {
      await post(snapshot(null), snapshot(answer(text)));
      await page.locator('.turn-end').waitFor();
      for (const row of await page.locator('.tool-line[aria-expanded=false]').all()) await row.click();
      for (const element of await page.locator('.answer a, .answer :not(a):not(figure):not(pre)').all())
        await element.dispatchEvent('mouseover');
      assert.deepEqual(await page.evaluate(strangers), [], text);
    }
  });

  it('gives only safe addresses to the extension when links are clicked', async () => {
    const panel = await panels.open();
    for (const text of hostile) {
      await panel.post(snapshot(null), snapshot(answer(text)));
      await panel.page.locator('.turn-end').waitFor();
      for (const link of await panel.page.locator('.answer a').all()) await link.click();
    }
    const opened = (await panel.posted()).flatMap((message) =>
      message.type === 'openExternal'
        ? [message.url]
        : message.type === 'openFile'
          ? [`file: ${message.path}`]
          : [],
    );
    assert.deepEqual(
      opened.filter(
        (url) =>
          !/^https:\/\/(evil|a)\.example(\/|$)/.test(url) && url !== 'file: src/a.ts"onclick="alert(1)',
      ),
      [],
    );
    assert.ok(opened.length > 0);
    assert.equal(panel.page.url(), 'http://panel.test/');
  });

  it('is safe while it streams, cut anywhere', async () => {
    const { page, post } = await panels.open();
    const text = hostile.join('\n\n');
    const deltas: NewEvent[] = [];
    for (let at = 0; at < text.length; at += 7)
      deltas.push({
        type: 'text.delta',
        turnId: 't',
        messageId: 'a',
        attempt: 1,
        text: text.slice(at, at + 7),
      });
    const start: NewEvent[] = [created, { type: 'turn.started', turnId: 't' }];
    await post(snapshot(start));
    for (const event of log([...start, ...deltas]).slice(start.length))
      await post({ type: 'events', taskId: TASK_ID, events: [event] });
    await page.waitForFunction(() => document.querySelectorAll('.answer .markdown > *').length > 30);
    assert.deepEqual(await page.evaluate(strangers), []);
  });

  it('has a policy that refuses what would get past it', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(null));
    await panel.page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "ran"';
      document.body.append(script);
      document.body.append(Object.assign(new Image(), { src: 'https://evil.example/x.png' }));
    });
    await panel.page.waitForFunction(() => document.querySelector('img')?.complete);
    assert.notEqual(await panel.page.title(), 'ran');
    assert.deepEqual(
      panel.incidents
        .splice(0)
        .map((incident) => /violates the following Content Security Policy/.test(incident)),
      [true, true],
    );
  });
});
