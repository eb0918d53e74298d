import assert from 'node:assert/strict';
import type { HeldTurn } from '../../../server/engine/claims.ts';
import type { NewEvent } from '../../../server/protocol/events.ts';
import { createHeldTurns } from '../../../server/tasks/held-turns.ts';
import type { TaskStore } from '../../../server/tasks/task-store.ts';

/** What is told of these turns, look by look, as `turn reason`. */
async function told(...looks: HeldTurn[][]): Promise<string[][]> {
  const said: NewEvent[] = [];
  let held: HeldTurn[] = [];
  const standing = async (turnId: string) => ({
    state: 'waiting',
    epoch: held.find((turn) => turn.turnId === turnId)?.epoch,
  });
  const append = async (_speaker: unknown, events: { event: NewEvent }[]) => {
    said.push(...events.map(({ event }) => event));
    return true;
  };
  const store = {
    locked: (_taskId: string, work: (tx: object) => unknown) => work({ standing, append }),
  } as unknown as Pick<TaskStore, 'locked'>;
  const look = createHeldTurns({ claims: { held: async () => held }, store });
  const all: string[][] = [];
  for (held of looks) {
    await look();
    all.push(
      said
        .splice(0)
        .flatMap((event) => (event.type === 'turn.waiting' ? [`${event.turnId} ${event.reason.code}`] : [])),
    );
  }
  return all;
}

const turn = (turnId: string, epoch = 1, cause: HeldTurn['cause'] = 'slot'): HeldTurn => ({
  taskId: 'task',
  turnId,
  epoch,
  cause,
});

describe('turns that are held', () => {
  it('are told of once two looks in a row left them, and once only', async () => {
    const [a, b] = [turn('a'), turn('b', 1, 'host')];
    assert.deepEqual(await told([a], [a, b], [a, b], [a, b]), [[], ['a no_slot'], ['b host_away'], []]);
  });

  it('are not told of where they had only just come, were claimed in between, or were given back meanwhile', async () => {
    assert.deepEqual(await told([turn('a')], [], [turn('a')], [turn('a', 2)], [turn('a', 2)]), [
      [],
      [],
      [],
      [],
      ['a no_slot'],
    ]);
  });
});
