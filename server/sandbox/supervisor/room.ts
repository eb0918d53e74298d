/** Bounds what is kept of the output of all commands together. */
export interface Room {
  /** Whether `place` may keep so many bytes more. The output of commands that ended is dropped for it, the oldest first. */
  take(place: string, bytes: number): boolean;
  /** The command of `place` has ended: its output may be dropped, once that of earlier ones has been. */
  release(place: string): void;
}

export interface RoomLimits {
  /** Bytes of one command's output, both streams together. */
  each: number;
  together: number;
}

/**
 * @param past what is there from earlier lives of the sandbox, oldest first; asked once, when it is first needed
 * @param drop removes what a place keeps
 */
export function createRoom(
  limits: RoomLimits,
  past: () => Array<{ place: string; bytes: number }>,
  drop: (place: string) => void,
): Room {
  const growing = new Map<string, number>();
  let ended: Map<string, number> | undefined;
  let total = 0;

  /** In the order of their ends. */
  const endedPlaces = (): Map<string, number> => {
    if (ended !== undefined) return ended;
    ended = new Map(
      past()
        .filter(({ place }) => !growing.has(place))
        .map(({ place, bytes }) => [place, bytes]),
    );
    for (const bytes of ended.values()) total += bytes;
    return ended;
  };

  return {
    take(place, bytes) {
      const mine = (growing.get(place) ?? 0) + bytes;
      if (mine > limits.each) return false;
      for (const [oldest, freed] of endedPlaces()) {
        if (total + bytes <= limits.together) break;
        endedPlaces().delete(oldest);
        total -= freed;
        try {
          drop(oldest);
        } catch {
          // It stays on the disk until the sandbox starts again; the bound holds for what is written from here on.
        }
      }
      if (total + bytes > limits.together) return false;
      growing.set(place, mine);
      total += bytes;
      return true;
    },
    release(place) {
      const bytes = growing.get(place);
      if (bytes === undefined) return;
      growing.delete(place);
      endedPlaces().set(place, bytes);
    },
  };
}
