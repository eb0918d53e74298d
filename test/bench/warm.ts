import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventOf } from '../../server/protocol/events.ts';
import { git } from '../fakes/git.ts';
import type { Bench, Place, Repository } from './bench.ts';
import type { Figure } from './figure.ts';
import { follow } from './follow.ts';
import { openRelay } from './relay.ts';
import { createRepository, filePath } from './repository.ts';
import { times } from './stats.ts';

const FILES = 5_000;
const TASKS = { cold: 3, warm: 8 };
const LOOK_EVERY_MS = 50;
const PATIENCE_MS = 120_000;

/** What packages are to a project: many small files that Git ignores, made in a second. */
const SETUP = `mkdir -p node_modules/dep && cd node_modules/dep
for i in $(seq 1000); do echo "module.exports = $i" > "m$i.js"; done`;

const LOOKS = [
  { steps: [{ toolCalls: [{ name: 'bash', arguments: { command: 'ls node_modules/dep | wc -l' } }] }] },
];

/** How long a person waits for the agent's first command, with and without a machine that was built beforehand. */
export const warm: Bench = {
  about: 'from a new task to its first command, in an empty machine and in one that was built beforehand',
  async run(place: Place): Promise<Figure[]> {
    await using scope = new AsyncDisposableStack();
    const repository = await withSetup(join(place.directory, 'warm-repository'));
    const firstCommand = async (relay: Relay, commit: string): Promise<number> => {
      const askedAt = Date.now();
      const { taskId } = await relay.delegate({ ...repository, commit });
      const starts: EventOf<'tool.started'>[] = [];
      await follow(
        relay.client,
        taskId,
        ({ type }) => type === 'turn.ended',
        (event) => event.type === 'tool.started' && starts.push(event),
      );
      await relay.client.archive(taskId);
      return (starts[0]?.at ?? NaN) - askedAt;
    };

    const cold = await openRelay(scope, join(place.directory, 'cold'), LOOKS, { env: { HANDOFF_WARM: '0' } });
    const coldMs = await times(TASKS.cold, () => firstCommand(cold.relay, repository.commit));
    place.say('empty');

    const { relay } = await openRelay(scope, join(place.directory, 'warm'), LOOKS);
    await relay.client.warm({ source: { url: `file://${repository.directory}`, commit: repository.commit } });
    await built(() => relay.log());
    const warmMs = await times(TASKS.warm, async () => firstCommand(relay, await nextCommit(repository)));
    place.say('built beforehand');
    return [
      {
        name: `first command, ${FILES} files and setup, machine built beforehand, against an empty one`,
        unit: 'ms',
        values: warmMs,
        baseline: coldMs,
        goal: { of: 'median', atMost: 500 },
      },
    ];
  },
};

type Relay = Awaited<ReturnType<typeof openRelay>>['relay'];

async function withSetup(directory: string): Promise<Repository> {
  const repository = await createRepository(directory, FILES);
  await mkdir(join(directory, '.handoff'), { recursive: true });
  await writeFile(join(directory, '.handoff/setup.sh'), SETUP);
  await writeFile(join(directory, '.gitignore'), 'node_modules/\n');
  return { ...repository, commit: await commit(directory) };
}

/** Somebody has gone on since the machine was built. */
async function nextCommit({ directory }: Repository): Promise<string> {
  for (const n of [1, 2, 3]) await appendFile(join(directory, filePath(n)), '// more\n');
  return commit(directory);
}

async function commit(directory: string): Promise<string> {
  await git(directory, ['add', '--all']);
  await git(directory, ['commit', '--quiet', '--message', 'more']);
  return (await git(directory, ['rev-parse', 'HEAD'])).trim();
}

async function built(log: () => string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(LOOK_EVERY_MS))
    if (log().includes('a machine was built for tasks to come')) return;
  throw new Error(`no machine was built:\n${log()}`);
}
