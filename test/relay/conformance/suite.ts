import type { Fixture, Topic } from './fixture.ts';
import { commands } from './suite-commands.ts';

const TOPICS: Record<string, Topic> = { commands };

/**
 * The contract of `server/sandbox/sandbox.ts`, check by check. Every adapter passes all of it.
 * @param timeout milliseconds for each check; a remote service needs more than the default
 */
export function conformance(
  adapter: string,
  makeFixture: () => Promise<Fixture>,
  { timeout = 30_000 }: { timeout?: number } = {},
): void {
  describe(`conformance of ${adapter} sandboxes`, function () {
    this.timeout(timeout);
    let made: Fixture | undefined;
    before(async () => {
      made = await makeFixture();
    });
    after(() => made?.dispose());
    const fixture = (): Fixture => {
      if (made === undefined) throw new Error('the fixture was not made');
      return made;
    };
    for (const [topic, define] of Object.entries(TOPICS)) describe(topic, () => define(fixture));
  });
}
