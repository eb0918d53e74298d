import { randomUUID } from 'node:crypto';
import { captureSource } from '../../server/protocol/capture.ts';
import type { RelayClient } from '../../server/protocol/client.ts';
import type { Selection, TaskCreated } from '../../server/protocol/commands.ts';
import type { Log } from '../ui/log.ts';
import type { Repository } from './repositories.ts';
import { captureDeps } from './run-git.ts';

export interface Delegation {
  repository: Repository;
  prompt: string;
  selection: Selection[];
  /** Repeating it is one task. */
  clientId?: string;
  /** A plan is wanted first. */
  mode?: 'plan';
  /** Empty: the relay's own. */
  model?: string;
  /** What travels although it looks as if it held a secret, and what stays, by path. */
  include?: readonly string[];
  exclude?: readonly string[];
}

/** Captures the working tree as it is and makes a task of it. A relay elsewhere gets the commits as a bundle. */
export async function delegateTask(
  { client, log }: { client: RelayClient; log: Log },
  {
    repository,
    prompt,
    selection,
    clientId = randomUUID(),
    mode,
    model,
    include = [],
    exclude = [],
  }: Delegation,
  relayUrl: string,
): Promise<TaskCreated> {
  const started = Date.now();
  const { source, leftOut, nested } = await captureSource(captureDeps(repository.gitPath), {
    ...{ folder: repository.root, include, exclude },
    ...(isLoopback(relayUrl) ? {} : { upload: (bundle) => client.uploadSource(bundle) }),
  });
  log.info(
    `captured ${repository.name}: ${source.overlay.length} uncommitted files, ${Date.now() - started} ms`,
  );
  const behind = [...leftOut.map(({ path }) => path), ...nested];
  if (behind.length > 0) log.warn(`left out: ${behind.join(', ')}`);
  return client.createTask({
    clientId,
    prompt,
    source,
    selection,
    ...(model ? { model } : {}),
    ...(mode ? { mode } : {}),
  });
}

/** Whether the relay is on this machine, and so may read the repository in place. */
export function isLoopback(url: string): boolean {
  return isLoopbackHost(new URL(url).hostname);
}

/** @param hostname as URLs have it */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
