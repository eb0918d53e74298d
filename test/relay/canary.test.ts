import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FakeGitHub, startFakeGitHub } from '../fakes/github/server.ts';
import { SAMPLE_FILES } from '../fakes/sample.ts';
import { databaseRows, disguises, filesBelow } from './everywhere.ts';
import { openWorkshop, type Workshop } from './turn/workshop.ts';

const GITHUB_TOKEN = 'gho_canaryWsQ8fTt2Xv';
const WRONG_TOKEN = 'gho_canaryRefused7Lp';
const SECRETS = [GITHUB_TOKEN, WRONG_TOKEN, 'sk-canary-model-key'];
/** No secret: shows that the search finds what is there. */
const MARKER = 'findable-marker';
/** Looks at everything that a process in the sandbox could see. */
const SNOOP = [
  'env',
  'cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\\0" "\\n"',
  'ps aux 2>/dev/null',
  'grep -rslE "canary" / --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr 2>/dev/null',
  'cat "$HOME"/.netrc "$HOME"/.git-credentials "$HOME"/.gitconfig .git/config 2>/dev/null',
  'echo snooped > snooped',
].join('; ');

describe('the person’s token and the model’s key', function () {
  this.timeout(90_000);
  let workshop: Workshop;
  let github: FakeGitHub;
  after(async () => {
    await workshop.close();
    await github.close();
  });

  it('are in no event, answer, log, file, database row, process or URL', async () => {
    github = await startFakeGitHub({
      users: [
        {
          login: 'sam',
          id: 101,
          name: 'Sam Sample',
          tokens: { [GITHUB_TOKEN]: { scopes: ['repo', 'user:email'] } },
        },
      ],
      repos: [{ owner: 'sam', name: 'trip-log', content: { directory: SAMPLE_FILES } }],
    });
    workshop = await openWorkshop(
      [
        {
          steps: [
            { toolCalls: [{ name: 'bash', arguments: { command: SNOOP } }] },
            { text: 'Looked around.' },
          ],
        },
      ],
      { HANDOFF_GITHUB_URL: github.url, HANDOFF_GITHUB_API_URL: github.apiUrl, HANDOFF_LOG: 'debug' },
      'sk-canary-model-key',
    );
    const answers: unknown[] = [];
    const taskId = await workshop.delegate(`Look around ${MARKER}`, `${github.url}/sam/trip-log.git`);
    const watched = workshop.watch(taskId);
    await watched.until('turn.ended');
    const snooped = watched.events.find((event) => event.type === 'tool.finished');
    assert.match(snooped?.output ?? '', /HOME=\/home\/agent/, 'it did look');

    const { revision, files } = await workshop.client.changes(taskId);
    const accepted = files.map(({ path }) => ({ path, hunks: 'all' as const }));
    const { acceptedTree } = await workshop.client.putReview(taskId, { revision, accepted });
    const command = { acceptedTree, title: 'Look around' };
    for (const token of [WRONG_TOKEN, GITHUB_TOKEN]) {
      answers.push(
        await workshop.client.preflight(taskId, {}, token),
        await workshop.client.openPullRequest(taskId, { ...command, sign: true, branch: 'signed' }, token),
        await workshop.client.openPullRequest(taskId, command, token),
      );
    }
    assert.equal(github.pulls('sam', 'trip-log').length, 1, 'it was used for what it is for');
    await watched.until('publish.opened');

    const said: Record<string, string> = {
      events: JSON.stringify(watched.events),
      answers: JSON.stringify([answers, await workshop.client.getTask(taskId)]),
      log: workshop.log(),
      'model requests': JSON.stringify(workshop.model.requests),
      'GitHub URLs': JSON.stringify(github.requests),
      database: await databaseRows(workshop.data),
    };
    const places = { ...said, ...(await filesBelow(workshop.data)) };
    assert.ok(Object.keys(places).length > 20, 'there were files to look into');
    const marked = Object.keys(places).filter((place) => places[place]?.includes(MARKER));
    assert.ok(
      ['events', 'model requests', 'database'].every((place) => marked.includes(place)),
      'what is not secret is found, so a secret would be',
    );
    assert.ok(
      marked.some((place) => place.startsWith('/postgres/')),
      'also in the files of the database',
    );
    for (const [place, text] of Object.entries(places)) {
      for (const secret of SECRETS) {
        const found = disguises(secret).find((disguise) => text.includes(disguise));
        assert.equal(found, undefined, `${place} has ${secret}`);
      }
    }
    // The relay's own secrets are in files of its owner, and nowhere else.
    const password = (await readFile(join(workshop.data, 'postgres-password'), 'utf8')).trim();
    for (const [place, text] of Object.entries(said)) {
      for (const secret of [workshop.token, password]) assert.ok(!text.includes(secret), place);
    }
  });
});
