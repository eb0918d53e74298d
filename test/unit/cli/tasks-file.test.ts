import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { exportTask, importTask } from '../../../server/cli/commands/tasks-file.ts';
import { recordTerminal } from './terminal.ts';

describe('a task as a file', () => {
  let folder: string;
  let exported: number;
  const bytes = new Uint8Array([1, 2, 3]);
  const from = async () => ({
    exportTask: async () => {
      exported += 1;
      return bytes;
    },
  });
  const write = (name: string, force = false) => exportTask(from, ['t1', name], force, terminal());
  const terminal = () => recordTerminal({ cwd: folder });

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'handoff-file-'));
    exported = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is written whole, for its owner alone, where the person is', async () => {
    await write('task.bin');
    const file = path.join(folder, 'task.bin');
    assert.deepEqual([...readFileSync(file)], [1, 2, 3]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['task.bin']);
  });

  it('takes the place of no file, unless that is wanted', async () => {
    const file = path.join(folder, 'task.bin');
    writeFileSync(file, 'mine');
    await assert.rejects(write('task.bin'), {
      name: 'CliError',
      message: `${file} exists already.`,
      nextAction: 'Name another file, or replace it with --force.',
    });
    assert.deepEqual([exported, readFileSync(file, 'utf8')], [0, 'mine']);
    await write('task.bin', true);
    assert.deepEqual([[...readFileSync(file)], readdirSync(folder)], [[1, 2, 3], ['task.bin']]);
  });

  it('does not take the place of a file that came while the task was fetched', async () => {
    const file = path.join(folder, 'task.bin');
    const slow = async () => ({
      exportTask: async () => {
        writeFileSync(file, 'mine');
        return bytes;
      },
    });
    await assert.rejects(exportTask(slow, ['t1', file], false, terminal()), {
      message: `${file} exists already.`,
    });
    assert.deepEqual([readFileSync(file, 'utf8'), readdirSync(folder)], ['mine', ['task.bin']]);
  });

  it('is no folder, also by force, and needs one that is there', async () => {
    await assert.rejects(write('.', true), { message: `${folder} is not a file.` });
    await assert.rejects(write('none/task.bin'), (error: Error) =>
      error.message.startsWith(`${folder}/none/task.bin cannot be written: ENOENT`),
    );
  });

  it('is read back, and the new task named', async () => {
    writeFileSync(path.join(folder, 'task.bin'), bytes);
    const at = terminal();
    let sent: number[] = [];
    const to = async () => ({
      importTask: async (file: Uint8Array) => {
        sent = [...file];
        return { taskId: 't9', seq: 4 };
      },
    });
    await importTask(to, ['task.bin'], at);
    assert.deepEqual([sent, at.written.out], [[1, 2, 3], 't9\n']);
    await assert.rejects(importTask(to, ['none.bin'], at), {
      message: `There is no file ${folder}/none.bin.`,
    });
    await assert.rejects(importTask(to, ['.'], at), { message: `${folder} is not a file.` });
  });
});
