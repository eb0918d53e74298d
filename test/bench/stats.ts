/** The value below which a share `p` (0 to 1) of the values lie; the nearest one, no interpolation. NaN where there is none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Runs `work` so many times, one after the other. */
export async function times<T>(n: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < n; i++) results.push(await work(i));
  return results;
}
