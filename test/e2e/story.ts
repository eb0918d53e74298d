import assert from 'node:assert/strict';
import type { Workbench } from '../vscode/workbench.ts';

/**
 * Makes the steps of a `describe` one story: each goes on where the one before it ended, so none runs behind one that failed, of which a
 * picture is taken and the relay's log shown.
 */
export function tellInOrder({
  window,
  log,
}: {
  window: () => Workbench | undefined;
  log: () => string;
}): void {
  let isBroken = false;
  beforeEach(() => assert.ok(!isBroken, 'the step before has failed'));
  afterEach(async function () {
    const shown = window();
    if (this.currentTest?.state !== 'failed' || !shown) return;
    isBroken = true;
    await shown.picture(`failed: ${this.currentTest.title}`);
    console.error(log());
  });
}
