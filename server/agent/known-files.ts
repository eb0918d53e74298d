import { posix } from 'node:path';
import type { SeenFile, TaskEvent } from '../protocol/events.ts';

/** What an agent knows of files: the content that it last saw of each, so that it changes none that it does not know. */
export interface KnownFiles {
  /** SHA-256 of what it last saw there, hex; null where it saw that nothing is; undefined where it never looked. */
  at(path: string): string | null | undefined;
  learn(files: readonly SeenFile[]): void;
}

/**
 * As the log has it: the same however often its turn was interrupted. Of an agent that speaks to the person it is all that it saw in the
 * turns that still count.
 * @param events of a task, without those of turns that were rolled back
 * @param agentId undefined for the lead
 */
export function knownFiles(events: readonly TaskEvent[], agentId: string | undefined): KnownFiles {
  const seen = new Map<string, string | null>();
  const files: KnownFiles = {
    at: (path) => seen.get(path),
    learn(learned) {
      for (const { path, sha256 } of learned) seen.set(path, sha256);
    },
  };
  for (const event of events) {
    if (event.type === 'tool.finished' && event.agentId === agentId && event.files) files.learn(event.files);
  }
  return files;
}

/** The one name of a file that an agent may call by several: relative to the workspace, without detours. */
export function nameInWorkspace(path: string, workdir: string): string {
  const relative = path.startsWith('/') ? posix.relative(workdir, path) : path;
  return posix.normalize(relative);
}
