import assert from 'node:assert/strict';
import { isByChance, representatives } from './points.ts';
import { LEDGER_EXPECTED } from './scenario.ts';
import { openStage, type Stage } from './stage.ts';

describe('a relay that is killed at each kind of boundary of its turns, one after the other', function () {
  this.timeout(600_000);
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.close());

  it('leaves the same tree, log, transcript and effects as an undisturbed one', async () => {
    const { outcome: undisturbed, points } = await stage.playUndisturbed();
    assert.deepEqual(undisturbed.ledger, LEDGER_EXPECTED);
    const chosen = representatives(points);
    const { deaths, missed } = await stage.playKilledAt(points, chosen, (outcome) =>
      assert.deepEqual(outcome, undisturbed),
    );
    assert.deepEqual(
      missed.filter((point) => !isByChance(point)),
      [],
    );
    assert.ok(deaths >= chosen.length - missed.length, `${deaths} deaths at ${chosen.length} points`);
  });
});
