import assert from 'node:assert/strict';
import { addressOf, idOf, machineName, snapshotName } from '../../../server/sandbox/container/names.ts';

describe('the names of containers', () => {
  it('are those that engines take, for any task', () => {
    for (const taskId of ['one', '-rf /', 'größe 🚀', '', 'x'.repeat(1_000), 'A/b\n'])
      assert.match(machineName('ba9876543210', taskId), /^handoff-t-[a-z0-9-]{1,40}$/);
  });

  it('tell tasks and relays apart', () => {
    const names = [machineName('r1', 'a/b'), machineName('r1', 'a.b'), machineName('r2', 'a/b')];
    assert.equal(new Set(names).size, 3);
    assert.equal(machineName('r1', 'a/b'), names[0]);
  });

  it('lead back to the engine that has them', () => {
    const address = { engine: 'podman', container: machineName('r1', 'task') } as const;
    assert.deepEqual(addressOf(idOf(address)), address);
  });

  it('are no way to something else', () => {
    for (const id of [
      '',
      'docker:',
      'docker:other',
      'docker:--all',
      'podman:handoff-a b',
      'lxc:handoff-a',
      'docker:handoff-a\n',
    ])
      assert.throws(() => addressOf(id), { code: 'not-found' });
    for (const name of ['', '../x', 'Big', '-part\n', 'x'.repeat(101)])
      assert.throws(() => snapshotName('r1', name), { code: 'failed' });
  });
});
