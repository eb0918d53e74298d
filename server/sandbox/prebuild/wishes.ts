/** Wishes that are granted one after the other. */
export interface Wishes<Wish> {
  /** Takes the place of one of that name which still waits; where too many wait, the oldest is dropped. Returns at once. */
  add(name: string, wish: Wish): void;
  /** Drops those that wait; resolves when the one that is being granted has been. */
  close(): Promise<void>;
}

/** @param most how many may wait @param grant never rejects */
export function createWishes<Wish>(most: number, grant: (wish: Wish) => Promise<void>): Wishes<Wish> {
  const waiting = new Map<string, Wish>();
  let isGranting = false;
  let granting: Promise<void> = Promise.resolve();

  async function grantAll(): Promise<void> {
    isGranting = true;
    for (let next = oldest(); next !== undefined; next = oldest()) {
      const [name, wish] = next;
      waiting.delete(name);
      await grant(wish);
    }
    isGranting = false;
  }
  // A map keeps the order in which its keys came.
  const oldest = (): [string, Wish] | undefined => waiting.entries().next().value;

  return {
    add(name, wish) {
      waiting.set(name, wish);
      if (!isGranting) granting = grantAll();
      const first = oldest();
      if (first && waiting.size > most) waiting.delete(first[0]);
    },
    close() {
      waiting.clear();
      return granting;
    },
  };
}
