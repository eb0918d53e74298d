import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { databaseRows, disguises, filesBelow } from '../everywhere.ts';
import { NAME, OWNER, openSite, type Site, TOKEN } from '../follow/site.ts';

/** No secret: shows that the search finds what is there. */
const MARKER = 'findable-marker';

/** Looks at everything that a process in the sandbox could see, once the token is there to be found. */
const SNOOP = [
  'until [ -e gate ]; do sleep 0.05; done',
  'env',
  'cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\\0" "\\n"',
  'grep -rsl gho_ / --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr 2>/dev/null',
  'rm gate; echo snooped > snooped',
].join('; ');

describe('the token that was left', function () {
  this.timeout(90_000);
  let site: Site;
  after(() => site.close());

  it('is in no event, answer, log, file, sandbox or table in clear: neither while it waits nor once it was used', async () => {
    site = await openSite(
      [
        {
          steps: [
            { toolCalls: [{ name: 'bash', arguments: { command: SNOOP } }] },
            { text: 'Looked around.' },
          ],
        },
      ],
      { HANDOFF_LOG: 'debug' },
    );
    const taskId = await site.delegate(`Look around ${MARKER}`, `${site.github.url}/${OWNER}/${NAME}.git`);
    const watched = site.watch(taskId);
    await watched.until('tool.started');
    const answers = [
      await site.client.armUnattended(taskId, {}, TOKEN),
      await site.client.unattended(taskId),
    ];
    const look = async (): Promise<void> => {
      const said: Record<string, string> = {
        events: JSON.stringify(watched.events),
        answers: JSON.stringify([answers, await site.client.getTask(taskId)]),
        export: gunzipSync(await site.client.exportTask(taskId)).toString(),
        log: site.log(),
        'model requests': JSON.stringify(site.model.requests),
        'GitHub URLs': JSON.stringify(site.github.requests),
        database: await databaseRows(site.data),
      };
      const places = { ...said, ...(await filesBelow(site.data)) };
      for (const place of ['events', 'export', 'model requests', 'database'])
        assert.ok(places[place]?.includes(MARKER), `${place} was looked into`);
      assert.ok(Object.keys(places).some((place) => place.startsWith('/postgres/')));
      for (const [place, text] of Object.entries(places)) {
        const found = disguises(TOKEN).find((disguise) => text.includes(disguise));
        assert.equal(found, undefined, `${place} has the token`);
      }
    };
    assert.match(await databaseRows(site.data), /handoff\.deposits/, 'it is there, sealed');
    await look();

    await site.openGate();
    const { reason } = await watched.until('unattended.ended');
    assert.equal(reason, 'used');
    const snooped = watched.events.find((event) => event.type === 'tool.finished');
    assert.match(snooped?.output ?? '', /HOME=\/home\/agent/, 'it did look');
    assert.doesNotMatch(await databaseRows(site.data), /handoff\.deposits/, 'and it is no more');
    await look();
  });
});
