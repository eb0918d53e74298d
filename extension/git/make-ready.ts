import { capturePlace } from '../../server/protocol/capture.ts';
import type { RelayClient } from '../../server/protocol/client.ts';
import { isLoopback } from './delegate-task.ts';
import type { Repository } from './repositories.ts';
import { captureDeps, gitAt } from './run-git.ts';

export interface MakeReadyDeps {
  /** Which repository a new task would be about, where that is plain. */
  likely(): Promise<Repository | undefined>;
  /** The relay, where it is connected. */
  relay(): Promise<{ client: Pick<RelayClient, 'warm'>; url: string } | undefined>;
  now: () => number;
}

/** For this long (ms) a relay that was told of a commit is not told again. */
const TOLD_MS = 5 * 60_000;

/**
 * Has the relay build a machine for what the person is about to delegate; to be called whenever they begin to write. A relay
 * elsewhere learns of the repository with the task.
 */
export function createMakeReady({ likely, relay, now }: MakeReadyDeps): () => Promise<void> {
  let told: { what: string; at: number } | undefined;
  let underway: Promise<void> | undefined;

  async function makeReady(): Promise<void> {
    const to = await relay();
    if (to === undefined || !isLoopback(to.url)) return;
    const repository = await likely();
    if (repository === undefined) return;
    const what = JSON.stringify([to.url, repository.root, await headOf(repository)]);
    if (told?.what === what && told.at > now() - TOLD_MS) return;
    await to.client.warm({ source: await capturePlace(captureDeps(repository.gitPath), repository.root) });
    told = { what, at: now() };
  }

  return () => {
    underway ??= makeReady().finally(() => {
      underway = undefined;
    });
    return underway;
  };
}

async function headOf({ gitPath, root }: Repository): Promise<string> {
  const { stdout } = await gitAt(gitPath)(['-C', root, 'rev-parse', 'HEAD']);
  return new TextDecoder().decode(stdout).trim();
}
