/** How often (ms) to look whether a link that is in use was revoked by way of another relay. */
const LOOK_MS = 10_000;
/** Of one link at once: a browser opens six, and one more for each of its WebSockets. */
const MOST_CONNECTIONS = 100;

/** The connections of people that are open under each link, for as long as the link is. */
export interface LiveLinks {
  /** Counts one in, and answers how to count it out. Undefined where there are too many, or the link is revoked. */
  begin(link: { previewId: string; expiresAt: number }, cut: () => void): (() => void) | undefined;
  /** Ends them, and lets no more begin. */
  revoke(previewId: string): void;
  close(): void;
}

interface Group {
  cuts: Set<() => void>;
  timer: NodeJS.Timeout | undefined;
}

/** @param isOver asks the store, where the link may have been revoked by somebody else */
export function createLiveLinks(deps: {
  isOver: (previewId: string) => Promise<boolean>;
  now: () => number;
  onError: (error: unknown) => void;
}): LiveLinks {
  const groups = new Map<string, Group>();
  const revoked = new Set<string>();

  const cut = (previewId: string): void => {
    const group = groups.get(previewId);
    groups.delete(previewId);
    clearTimeout(group?.timer);
    for (const end of group?.cuts ?? []) end();
  };

  const watch = (previewId: string, expiresAt: number, group: Group): void => {
    const wait = Math.max(0, Math.min(LOOK_MS, expiresAt - deps.now()));
    group.timer = setTimeout(async () => {
      if (expiresAt <= deps.now()) return cut(previewId);
      const isOver = await deps.isOver(previewId).catch((error: unknown) => {
        deps.onError(error);
        return false;
      });
      if (groups.get(previewId) !== group) return;
      if (isOver) cut(previewId);
      else watch(previewId, expiresAt, group);
    }, wait).unref();
  };

  return {
    begin({ previewId, expiresAt }, end) {
      if (revoked.has(previewId)) return undefined;
      const known = groups.get(previewId);
      const group = known ?? { cuts: new Set(), timer: undefined };
      if (group.cuts.size >= MOST_CONNECTIONS) return undefined;
      if (known === undefined) {
        groups.set(previewId, group);
        watch(previewId, expiresAt, group);
      }
      group.cuts.add(end);
      return () => {
        group.cuts.delete(end);
        if (group.cuts.size > 0 || groups.get(previewId) !== group) return;
        groups.delete(previewId);
        clearTimeout(group.timer);
      };
    },
    revoke(previewId) {
      revoked.add(previewId);
      cut(previewId);
    },
    close() {
      for (const previewId of [...groups.keys()]) cut(previewId);
    },
  };
}
