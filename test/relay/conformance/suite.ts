import type { Fixture, Topic } from './fixture.ts';
import { attach } from './suite-attach.ts';
import { commands } from './suite-commands.ts';
import { errors } from './suite-errors.ts';
import { files } from './suite-files.ts';
import { input } from './suite-input.ts';
import { lifecycle } from './suite-lifecycle.ts';
import { output } from './suite-output.ts';
import { paths } from './suite-paths.ts';
import { ports } from './suite-ports.ts';
import { search } from './suite-search.ts';
import { snapshots } from './suite-snapshots.ts';

const TOPICS: Record<string, Topic> = {
  'running a command': commands,
  'its output': output,
  'its input': input,
  files,
  paths,
  'a search': search,
  'a failure': errors,
  'the identity of a command': attach,
  'the life of a machine': lifecycle,
  snapshots,
  ports,
};

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
