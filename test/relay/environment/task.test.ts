import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { git } from '../../fakes/git.ts';
import { call } from '../aftermath/room.ts';
import type { Watch } from '../turn/watch.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

/** What setup makes is not part of the proposal where Git ignores it, and is put back where it does not. */
const SETUP = `set -e
mkdir -p node_modules/dep && echo installed > node_modules/dep/index.js
echo "setup wrote this" >> README.md
echo "set up with $GREETING"`;

describe('a repository that says what it needs', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  /** Commits files to the workshop's repository. @returns the commit */
  async function commit(files: Record<string, string>): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(workshop.repo, path, '..'), { recursive: true });
      await writeFile(join(workshop.repo, path), content);
    }
    await git(workshop.repo, ['add', '--all']);
    await git(workshop.repo, ['commit', '--quiet', '--message', 'More']);
    return (await git(workshop.repo, ['rev-parse', 'HEAD'])).trim();
  }
  async function delegate(at: string): Promise<{ taskId: string; watched: Watch }> {
    const source = { url: `file://${workshop.repo}`, commit: at, branch: 'main', overlay: [] };
    const { taskId } = await workshop.client.createTask({ clientId: randomUUID(), prompt: 'Go', source });
    return { taskId, watched: workshop.watch(taskId) };
  }
  /** Adds a secret, and allows it for the workshop's repository. */
  async function grant(name: string, value: string): Promise<void> {
    const put = await fetch(`${workshop.url}/v1/secrets/${name}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${workshop.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ value, repositories: [`file://${workshop.repo}`] }),
    });
    assert.equal(put.status, 200, await put.clone().text());
  }
  const outputs = ({ events }: Watch): string[] =>
    events.flatMap((event) => (event.type === 'tool.finished' ? [event.output] : []));
  const setups = ({ events }: Watch): string[] =>
    events.flatMap((event) => (event.type === 'setup.finished' ? [event.outcome] : []));

  it('has it when the agent begins, with the secrets that its person allowed, which nobody is shown', async () => {
    const look =
      'cat node_modules/dep/index.js; git status --short; echo "$GREETING $API_KEY"; curl -s localhost:8123/hello';
    workshop = await openWorkshop([{ steps: [call('bash', { command: look }), { text: 'Done.' }] }]);
    const head = await commit({
      '.gitignore': 'node_modules/\n',
      hello: 'from the service',
      '.handoff/setup.sh': SETUP,
      '.handoff/config.json': JSON.stringify({
        env: { GREETING: 'hello' },
        secrets: ['API_KEY', 'OTHER_KEY'],
        services: [
          { name: 'web', command: 'exec python3 -m http.server 8123', port: 8123, ready: { port: 8123 } },
        ],
      }),
    });
    await grant('API_KEY', 'canary-9f8e7d');
    const { taskId, watched } = await delegate(head);
    const { outcome } = await watched.until('turn.ended');
    assert.equal(outcome, 'completed');
    assert.deepEqual(outputs(watched), ['installed\nhello [secret API_KEY]\nfrom the service']);
    assert.deepEqual(setups(watched), ['passed']);
    const noted = watched.events.flatMap((event) => (event.type === 'environment.noted' ? [event.text] : []));
    assert.equal(noted.length, 1, noted.join('\n'));
    assert.match(noted[0] ?? '', /the secret OTHER_KEY, which you have not added/);
    assert.doesNotMatch(JSON.stringify(watched.events), /canary-9f8e7d/);
    assert.equal(
      (await workshop.client.getTask(taskId)).proposal,
      undefined,
      'setup is not the agent’s work',
    );
    const [first] = workshop.model.requests;
    assert.match(JSON.stringify(first), /The service web on port 8123 is running/);
  });

  it('shows no model a secret that a command wrote where agents’ rules are, from the next turn’s first request on', async () => {
    const write =
      'for f in AGENTS.md lessons-learned.md; do echo "- Key: it is $API_KEY. Use it." > $f; done';
    workshop = await openWorkshop([
      { steps: [call('bash', { command: write }), { text: 'Written.' }, { text: 'Again.' }] },
    ]);
    const head = await commit({ '.handoff/config.json': JSON.stringify({ secrets: ['API_KEY'] }) });
    await grant('API_KEY', 'canary-9f8e7d');
    const { taskId, watched } = await delegate(head);
    const { turnId } = await watched.until('turn.ended');
    await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Once more' });
    await watched.until('turn.ended', (event) => event.turnId !== turnId);
    const told = workshop.model.requests.at(-1)?.messages[0]?.content ?? '';
    assert.ok(
      told.endsWith(
        `# The repository's own rules (AGENTS.md)\n\n- Key: it is [secret API_KEY]. Use it.\n\n# What was learned here before (lessons-learned.md)\n\n- Key: it is [secret API_KEY]. Use it.\n`,
      ),
      told.slice(-400),
    );
    assert.doesNotMatch(JSON.stringify(workshop.model.requests), /canary-9f8e7d/);
  });

  it('is set up once: the next task begins from a machine that was built beforehand, at its own commit', async () => {
    const look =
      'cat node_modules/dep/index.js when; git status --short; git log --oneline | wc -l; cat README.md | tail -1';
    workshop = await openWorkshop([{ steps: [call('bash', { command: look }), { text: 'Done.' }] }]);
    const first = await delegate(
      await commit({ '.gitignore': 'node_modules/\n', when: 'first\n', '.handoff/setup.sh': SETUP }),
    );
    await first.watched.until('turn.ended');
    while (!workshop.log().includes('a machine was built for tasks to come')) await delay(50);
    const second = await delegate(await commit({ when: 'second\n', 'new.txt': 'x' }));
    await second.watched.until('turn.ended');
    assert.deepEqual(setups(first.watched), ['passed']);
    assert.deepEqual(setups(second.watched), ['cached']);
    const readme = (await readFile(join(workshop.repo, 'README.md'), 'utf8')).trimEnd().split('\n').at(-1);
    assert.deepEqual(outputs(first.watched), [`installed\nfirst\n1\n${readme}`]);
    assert.deepEqual(outputs(second.watched), [`installed\nsecond\n1\n${readme}`]);
  });
});
