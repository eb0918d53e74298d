import type { Sandbox, Snapshot } from '@daytonaio/sdk';
import type { Machine } from './machine.ts';

/** A sandbox as the API gives it. */
export type SandboxDto = Pick<
  Sandbox,
  | 'id'
  | 'organizationId'
  | 'name'
  | 'snapshot'
  | 'user'
  | 'env'
  | 'labels'
  | 'public'
  | 'networkBlockAll'
  | 'networkAllowList'
  | 'domainAllowList'
  | 'target'
  | 'cpu'
  | 'gpu'
  | 'memory'
  | 'disk'
  | 'state'
  | 'desiredState'
  | 'errorReason'
  | 'autoStopInterval'
  | 'autoArchiveInterval'
  | 'autoDeleteInterval'
  | 'createdAt'
  | 'updatedAt'
  | 'lastActivityAt'
  | 'sandboxClass'
  | 'toolboxProxyUrl'
>;

/** A snapshot as the API gives it; the SDK adds a brand of its own. */
export type SnapshotDto = Omit<Snapshot, '__brand'>;

export interface SandboxRecord {
  dto: SandboxDto;
  machine: Machine;
  /** What lets in through the preview; another one after each start. */
  previewToken: string;
}

export interface SnapshotRecord {
  dto: SnapshotDto;
  /** The files. */
  folder: string;
}

/** A request that the API turns down. */
export class ApiRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
