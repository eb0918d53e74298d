import assert from 'node:assert/strict';
import { delegated, delegating } from './agents-story.ts';
import { answered, asking, checked, exploring, queued, stopped, waiting } from './durable-story.ts';
import { heard, opened } from './publish-story.ts';
import { failed, finished, snapshot, summaries, working } from './story.ts';
import { usePanels } from './suite.ts';
import { type ThemeName, themes } from './themes.ts';

const WIDTHS = [220, 400, 900];
/** esbuild.mjs refuses a bigger one; the same figure. */
const BUNDLE_BUDGET = 400 * 1024;

/** Runs in the page: elements that stick out at its side (but for what is cut or scrolled there), and buttons without a name. */
function flaws(): string[] {
  const found: string[] = [];
  for (const element of document.querySelectorAll<HTMLElement>('.app *')) {
    const { right, left, width } = element.getBoundingClientRect();
    const scrolls = element.closest('pre, bdi, .block:has(table), .visually-hidden') !== null;
    if (!scrolls && width > 0 && (right > innerWidth + 1 || left < -1))
      found.push(`${element.className} sticks out`);
  }
  for (const button of document.querySelectorAll<HTMLElement>('button'))
    if (!(button.textContent?.trim() || button.ariaLabel)) found.push(`unnamed button ${button.className}`);
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  return found;
}

describe('the looks of the panel', () => {
  const panels = usePanels();
  const pages = {
    working: snapshot(working),
    finished: snapshot(finished),
    failed: snapshot(failed),
    asking: snapshot(asking),
    answered: snapshot([...asking, ...answered]),
    queued: snapshot(queued),
    waiting: snapshot(waiting),
    stopped: snapshot(stopped),
    checked: snapshot(checked),
    exploring: snapshot(exploring),
    delegating: snapshot(delegating),
    delegated: snapshot(delegated),
    published: snapshot([...opened, heard()]),
    new: snapshot(null, { tasks: summaries }),
    list: snapshot(null, { view: 'list', tasks: summaries }),
  };

  for (const theme of Object.keys(themes) as ThemeName[]) {
    it(`fit every width, in ${theme}`, async () => {
      for (const width of WIDTHS) {
        const { page, post } = await panels.open({ theme, width });
        for (const [name, message] of Object.entries(pages)) {
          await post(message);
          await page.locator('.header').waitFor();
          assert.deepEqual(await page.evaluate(flaws), [], `${name} at ${width}`);
        }
      }
    });
  }

  it('cut of a long tool line neither how it went nor the name of its file', async () => {
    const turnId = 'turn-1';
    const path = `packages/${'checkout/'.repeat(6)}cart.ts`;
    const { page, post } = await panels.open({ width: 300 });
    await post(
      snapshot([
        ...working.slice(0, 2),
        {
          type: 'tool.started',
          turnId,
          callId: 'c1',
          name: 'read',
          input: { path, offset: 100, limit: 300 },
        },
        {
          type: 'tool.finished',
          turnId,
          callId: 'c1',
          name: 'read',
          output: '',
          isError: false,
          durationMs: 3,
        },
      ]),
    );
    await page.locator('.tool-subject').waitFor();
    const cut = await page.locator('.tool-line').evaluate((line) => {
      const [subject, detail] = ['.tool-subject', '.tool-detail'].map((part) => line.querySelector(part));
      const [name, frame] = [subject?.firstElementChild, subject].map((part) =>
        part?.getBoundingClientRect(),
      );
      return {
        start: name && frame && name.left < frame.left,
        end: name && frame && name.right > frame.right + 1,
        detail: detail && detail.scrollWidth > detail.clientWidth,
      };
    });
    assert.deepEqual(cut, { start: true, end: false, detail: false });
  });

  it('take colours and fonts from the theme', async () => {
    for (const theme of Object.keys(themes) as ThemeName[]) {
      const { page, post } = await panels.open({ theme });
      await post(snapshot(finished));
      const body = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.body);
        const canvas = new OffscreenCanvas(1, 1).getContext('2d');
        const hex = (value: string) => {
          if (canvas) canvas.fillStyle = value;
          return canvas?.fillStyle;
        };
        return [hex(color), hex(backgroundColor)];
      });
      const { variables } = themes[theme];
      assert.deepEqual(body, [variables.foreground, variables['sideBar-background']]);
    }
  });

  it('draw borders in high contrast around what is told apart by its background elsewhere', async () => {
    const { page, post } = await panels.open({ theme: 'highContrast' });
    await post(snapshot(finished));
    const borders = await page.evaluate(() =>
      ['.user-message', '.code-block', '.card', '.composer-box', '.header'].map((selector) => {
        const element = document.querySelector(selector);
        return element && getComputedStyle(element).borderBottomColor;
      }),
    );
    assert.deepEqual(borders, Array(5).fill('rgb(111, 195, 223)'));
  });

  it('keep still where motion is unwelcome', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(working));
    const moving = await page.evaluate(() => document.getAnimations().length);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    const spinning = await page.evaluate(() => document.getAnimations().length);
    await page.evaluate(() => document.body.classList.add('vscode-reduce-motion'));
    assert.deepEqual(
      [moving, spinning > 0, await page.evaluate(() => document.getAnimations().length)],
      [0, true, 0],
    );
  });

  it('show where the focus is', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(finished));
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(
      () => document.activeElement && getComputedStyle(document.activeElement).outline,
    );
    assert.match(outline ?? '', /rgb\(0, 120, 212\) solid 1px/);
  });

  it('come in a bundle within its budget', () => {
    assert.ok(panels.bundleBytes() <= BUNDLE_BUDGET, `${panels.bundleBytes()} bytes`);
  });
});
