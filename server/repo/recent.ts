/** Values that are dear to find out anew, as many as there is room for. */
export interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
}

/**
 * Keeps values until they weigh more than `capacity` together; then those go that were not asked for the longest.
 * @param weigh the same whenever it is asked; absent: `capacity` is the number of values
 */
export function createRecent<Value>(
  capacity: number,
  weigh: (value: Value) => number = () => 1,
): Recent<Value> {
  // A map keeps the order in which its keys came: the first is the one to go.
  const kept = new Map<string, Value>();
  let weight = 0;
  const drop = (key: string, value: Value): void => {
    kept.delete(key);
    weight -= weigh(value);
  };
  return {
    get(key) {
      const value = kept.get(key);
      if (value === undefined) return undefined;
      kept.delete(key);
      kept.set(key, value);
      return value;
    },
    set(key, value) {
      const earlier = kept.get(key);
      if (earlier !== undefined) drop(key, earlier);
      // It would push out all others, and then go as well.
      if (weigh(value) > capacity) return;
      kept.set(key, value);
      weight += weigh(value);
      for (const [oldest, dropped] of kept) {
        if (weight <= capacity) break;
        drop(oldest, dropped);
      }
    },
  };
}
