import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { workspaceCommands } from '../../../extension/git/workspace-commands.ts';

describe('what a message of a new task may begin with', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'handoff-commands-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const names = async () =>
    (await workspaceCommands(root)).map(({ name, description }) => [name, description]);

  it('is what every relay knows where there is nothing else', async () =>
    assert.deepEqual(
      (await names()).map(([name]) => name),
      ['init', 'plan', 'review'],
    ));

  it('is besides what the working tree has, this product’s folder before others, no link to a folder, and none in the place of a relay’s', async () => {
    const write = async (file: string, text: string) => {
      await mkdir(path.dirname(path.join(root, file)), { recursive: true });
      await writeFile(path.join(root, file), text);
    };
    await write('.claude/commands/ship.md', 'Theirs.');
    await write('.claude/commands/db/migrate.md', '---\ndescription: Migrate\n---\n');
    await write('.handoff/commands/ship.md', '---\ndescription: Ours\n---\n');
    await write('.handoff/commands/review.md', 'Our review.');
    await write('.handoff/commands/not one.md', 'No.');
    await symlink('/etc', path.join(root, '.handoff/commands/etc.md'));
    assert.deepEqual(await names(), [
      ['db:migrate', 'Migrate'],
      ['init', 'Write an AGENTS.md for this repository'],
      ['plan', 'Make a plan first, and change nothing until it is approved'],
      ['review', 'Have the changes of this task reviewed'],
      ['ship', 'Ours'],
    ]);
  });
});
