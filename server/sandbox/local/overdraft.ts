import { SandboxError } from '../sandbox.ts';
import type { DiskLook, DiskUse } from './disk.ts';
import { overLimit, unseen, type WatchedLimits } from './limits.ts';

/**
 * How much a sandbox that was stopped for what it has on disk may add after it was resumed, to the least that it had since: deleting
 * takes some room too.
 */
const GRACE: DiskUse = { disk: 256, files: 1_000 };
/** Looks in a row that saw nothing, and count as one that saw too much. */
const MOST_BLIND = 3;
/** How often it is stopped and may be resumed to mend it: each time it can write for as long as one look is from the next. */
const MOST_STOPS = 3;
const KINDS = ['disk', 'files'] as const;

/** Decides about what sandboxes have on disk; remembers those that had too much, so that they can be resumed to mend it. */
export interface DiskWatch {
  /** Why a sandbox has to be stopped, if it has to be. */
  judge(id: string, look: DiskLook, limits: DiskUse): SandboxError | undefined;
  /** Whether it was stopped so often, and did not come below its limit since, that it may not be started again. */
  isBarred(id: string): boolean;
  forget(id: string): void;
}

interface Overdraft {
  stops: number;
  /** Looks in a row that saw nothing. */
  blind: number;
  /** The least that it had since it was stopped for having too much. */
  least: DiskUse | undefined;
}

export function createDiskWatch(): DiskWatch {
  const drafts = new Map<string, Overdraft>();

  const stopFor = (why: SandboxError, draft: Overdraft, least?: DiskUse): SandboxError => {
    // Stopped, it begins anew with what it has then: else it could never be resumed to delete some of that.
    Object.assign(draft, { stops: draft.stops + 1, blind: 0, least });
    return why;
  };

  return {
    judge(id, look, limits) {
      const draft = drafts.get(id) ?? { stops: 0, blind: 0, least: undefined };
      drafts.set(id, draft);
      if (look === undefined || look === 'too-long') {
        draft.blind += 1;
        const isOver = look === 'too-long' || draft.blind >= MOST_BLIND;
        return isOver ? stopFor(unseen(look), draft) : undefined;
      }
      draft.blind = 0;
      if (isWithin(look, limits)) {
        drafts.delete(id);
        return undefined;
      }
      const { least } = draft;
      const allowed = (kind: keyof DiskUse): number =>
        least === undefined ? limits[kind] : Math.max(least[kind], limits[kind]) + GRACE[kind];
      const over = KINDS.find((kind) => look[kind] > allowed(kind));
      if (over !== undefined) return stopFor(overLimit(over, limits[over], look[over]), draft, look);
      draft.least = {
        disk: Math.min(look.disk, least?.disk ?? look.disk),
        files: Math.min(look.files, least?.files ?? look.files),
      };
      return undefined;
    },
    isBarred: (id) => (drafts.get(id)?.stops ?? 0) >= MOST_STOPS,
    forget: (id) => void drafts.delete(id),
  };
}

export function isWithin(look: DiskUse, limits: DiskUse): boolean {
  return KINDS.every((kind) => look[kind] <= limits[kind]);
}

/** For whoever wants to start a sandbox that is barred. */
export function barred(id: string, { disk }: WatchedLimits): SandboxError {
  return new SandboxError(
    'limit',
    `The sandbox is not started: it was stopped ${MOST_STOPS} times for what it has on disk, and still has more than its limit of ${disk} MiB. Its files are kept.`,
    {
      nextAction: `Review what was captured, set HANDOFF_SANDBOX_DISK_MIB to more and start a new task; or delete what is not needed in sandboxes/${id} of the data folder (HANDOFF_DATA), and resume it.`,
    },
  );
}
