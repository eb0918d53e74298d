import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { git } from '../../fakes/git.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const FRIEND = 'a-friend-of-the-owner';

describe('POST /v1/warm', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  before(async () => {
    workshop = await openWorkshop([], { HANDOFF_USERS: JSON.stringify({ friend: FRIEND }) });
  });
  after(() => workshop.close());

  async function warm(body: unknown, token = workshop.token): Promise<{ status: number; code?: string }> {
    const response = await fetch(`${workshop.url}/v1/warm`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (text === '') return { status: response.status };
    return { status: response.status, code: JSON.parse(text).code };
  }
  const source = (url: string) => ({ source: { url, commit: workshop.commit } });

  it('is heard, and a machine is built for a repository that says what it needs', async () => {
    await mkdir(join(workshop.repo, '.handoff'), { recursive: true });
    await writeFile(join(workshop.repo, '.handoff', 'setup.sh'), 'true\n');
    await git(workshop.repo, ['add', '--all']);
    await git(workshop.repo, ['commit', '--quiet', '--message', 'Set up']);
    const commit = (await git(workshop.repo, ['rev-parse', 'HEAD'])).trim();
    const wish = { source: { url: `file://${workshop.repo}`, commit, branch: 'main' } };
    assert.deepEqual(await warm(wish), { status: 202 });
    assert.deepEqual(await warm(wish), { status: 202 });
    while (!workshop.log().includes('a machine was built for tasks to come')) await delay(50);
    assert.equal(workshop.log().split('a machine was built for tasks to come').length, 2);
  });

  it('is heard whatever comes of it', async () => {
    assert.deepEqual(await warm(source('http://127.0.0.1:9/none'), FRIEND), { status: 202 });
  });

  it('is for folders of this machine only where the relay’s owner asks', async () => {
    for (const url of [`file://${workshop.repo}`, `FILE://${workshop.repo}`])
      assert.deepEqual(await warm(source(url), FRIEND), { status: 403, code: 'source_not_allowed' }, url);
    assert.deepEqual(await warm(source(`file://${workshop.repo}`), 'nobody'), {
      status: 401,
      code: 'unauthorized',
    });
  });

  it('refuses what names no commit of a repository', async () => {
    const { commit } = workshop;
    const wrong = [
      {},
      { source: { commit } },
      { source: { url: 'https://example.com/r', commit: 'main' } },
      source('https://ada:secret@example.com/r'),
    ];
    for (const body of wrong)
      assert.deepEqual(await warm(body), { status: 400, code: 'bad_request' }, JSON.stringify(body));
  });
});
