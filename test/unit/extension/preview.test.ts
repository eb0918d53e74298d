import assert from 'node:assert/strict';
import { browserUrl } from '../../../extension/preview/browser-url.ts';

const ID = 'a'.repeat(32);
const LINK = `http://${ID}.localhost:7421/.handoff/open?key-of_it`;

describe('a preview’s link', () => {
  const asked: string[] = [];
  const from = (isRelayHere: boolean, forwarded: string) => ({
    isRelayHere,
    forward: async (url: string) => {
      asked.push(url);
      return forwarded;
    },
    translate: (message: string) => message,
  });
  beforeEach(() => {
    asked.length = 0;
  });

  it('is opened as it is where browser and relay are on one machine', async () => {
    assert.equal(await browserUrl(LINK, from(true, 'http://localhost:7421/')), LINK);
    assert.deepEqual(asked, ['http://localhost:7421/']);
  });

  it('keeps its name where the editor forwards the port to another one', async () => {
    assert.equal(
      await browserUrl(LINK, from(true, 'http://127.0.0.1:54321/')),
      LINK.replace('7421', '54321'),
    );
  });

  it('is opened as it is where the relay has names of its own for previews, wherever it is', async () => {
    const link = LINK.replace('.localhost:7421', '.preview.example.com');
    assert.deepEqual([await browserUrl(link, from(false, 'unused')), asked], [link, []]);
  });

  for (const [name, isHere, forwarded] of [
    ['the relay is elsewhere', false, 'http://localhost:7421/'],
    ['the editor runs in a browser, and forwards by a tunnel', true, `https://x-7421.tunnel.example/`],
    ['the tunnel is by https', true, 'https://localhost:7421/'],
  ] as const)
    it(`is refused with the setting that mends it where ${name}`, async () => {
      await assert.rejects(browserUrl(LINK, from(isHere, forwarded)), {
        name: 'ExpectedError',
        nextAction:
          'Set HANDOFF_PREVIEW_URL where the relay runs, such as https://{id}.preview.example.com; the README says how.',
      });
    });
});
