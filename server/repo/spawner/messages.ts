import type { ProcessRequest } from './process.ts';

/** To the spawner. Both ends are of the same build, and nobody else speaks on their channel. */
export type ToSpawner =
  | { kind: 'start'; id: number; request: ProcessRequest }
  | { kind: 'kill'; id: number; signal: NodeJS.Signals };

/** From the spawner: first that it is up, then what is heard of processes. */
export type FromSpawner =
  | { kind: 'ready' }
  | { kind: 'stdout'; id: number; chunk: Uint8Array }
  | { kind: 'stderr'; id: number; chunk: Uint8Array }
  | { kind: 'closed'; id: number; exitCode: number | null }
  | { kind: 'failed'; id: number; code: string; message: string };
