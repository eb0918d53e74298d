import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { config, OWNER, openStage, REMOTE, type Stage, says } from './stage.ts';

const VALUE = 'correct-horse-battery';

describe('secrets in a machine', function () {
  this.timeout(60_000);
  let stage: Stage;
  before(async () => {
    stage = await openStage();
    await stage.secrets.put(OWNER, 'TOKEN', { value: VALUE, repositories: [REMOTE] });
    await stage.secrets.put(OWNER, 'OTHER', {
      value: 'of-another-one',
      repositories: ['https://example.com/other'],
    });
    await stage.secrets.put(OWNER, 'UNASKED', { value: 'not-asked-for', repositories: [REMOTE] });
    await stage.secrets.put('eve', 'EVES', { value: 'of-another-person', repositories: [REMOTE] });
  });
  after(() => stage.close());

  const problems = (taskId: string): string[] =>
    stage.told.flatMap((one) =>
      one.taskId === taskId && one.event.type === 'environment.noted' ? [one.event.text] : [],
    );

  it('are those that the repository names and the person allowed for it, and no others; the person is told', async () => {
    const secrets = ['TOKEN', 'OTHER', 'EVES', 'NOWHERE'];
    const { taskId, sandbox, notes } = await stage.start(await stage.task(config({ secrets })));
    const found = await says(sandbox, 'printf %s "$TOKEN" | wc -c; echo "$OTHER$EVES$UNASKED$NOWHERE"');
    assert.equal(found, String(VALUE.length));
    assert.deepEqual(
      problems(taskId).map((text) => text.split('. ')[0]),
      [
        'The repository asks for the secret EVES, which you have not added',
        'The repository asks for the secret NOWHERE, which you have not added',
        'The repository asks for the secret OTHER, which you have not allowed for it',
      ],
    );
    assert.deepEqual(notes, [
      'In the environment of commands are secrets, which are not shown: TOKEN. Do not write them to files.',
    ]);
    const [token] = (await stage.secrets.list(OWNER)).filter(({ name }) => name === 'TOKEN');
    assert.ok(token?.usedAt);
  });

  it('are there for setup and services, and shown nowhere', async () => {
    const taskId = await stage.task(
      config({
        secrets: ['TOKEN'],
        setup: { command: 'echo "setup has $TOKEN"; echo -n "user:$TOKEN" | base64' },
        services: [{ name: 'api', command: 'echo "service has $TOKEN" >&2; exit 1' }],
      }),
    );
    const { notes } = await stage.start(taskId);
    const told = JSON.stringify([stage.told.filter((one) => one.taskId === taskId), notes]);
    assert.ok(told.includes('setup has [secret TOKEN]') && told.includes('service has [secret TOKEN]'), told);
    for (const form of [VALUE, Buffer.from(`user:${VALUE}`).toString('base64').slice(8, 24)]) {
      assert.ok(!told.includes(form), told);
    }
  });

  it('are in none that came in a file, whatever repository that says it is of', async () => {
    const taskId = await stage.task(config({ secrets: ['TOKEN'] }));
    await stage.database.pool.query(
      `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay) VALUES ($1, $1, 0, 0, '{}', '[]')`,
      [taskId],
    );
    await stage.database.pool.query(
      `INSERT INTO handoff.events (task_id, seq, key, at, type, body) VALUES ($1, 1, 'imported:7', 0, 'task.imported', '{}')`,
      [taskId],
    );
    const { sandbox, notes } = await stage.start(taskId);
    assert.equal(await says(sandbox, 'printf %s "$TOKEN" | wc -c'), '0');
    assert.deepEqual(notes, []);
    assert.match(
      problems(taskId).join('\n'),
      /asks for secrets \(TOKEN\), and gets none: the task came in a file/,
    );
  });

  it('are on no command line of this machine, while a command has them', async () => {
    const { sandbox } = await stage.start(await stage.task(config({ secrets: ['TOKEN'] })));
    const running = says(sandbox, 'touch ~/runs; until [ -e ~/enough ]; do sleep 0.02; done; echo "$TOKEN"');
    while ((await says(sandbox, 'ls ~/runs 2>&1')) !== '/home/agent/runs');
    const lines = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        } catch {
          return ''; // It ended meanwhile.
        }
      });
    await says(sandbox, 'touch ~/enough');
    assert.ok(
      lines.some((line) => line.includes('until [ -e ~/enough ]')),
      'the command is among them',
    );
    assert.deepEqual(
      lines.filter((line) => line.includes(VALUE)),
      [],
    );
    assert.equal(await running, '[secret TOKEN]');
  });

  it('that the person adds meanwhile are there for the next command', async () => {
    const environment = stage.environment();
    const { taskId, bare } = await stage.start(await stage.task(config({ secrets: ['LATE'] })), environment);
    const has = async () => says(await environment.dress(taskId, bare), 'printf %s "$LATE" | wc -c');
    assert.equal(await has(), '0');
    await stage.secrets.put(OWNER, 'LATE', {
      value: 'better-late',
      repositories: ['git@github.com:ada/engine'],
    });
    assert.equal(await has(), '11');
    await stage.secrets.remove(OWNER, 'LATE');
    assert.equal(await has(), '0');
  });
});
