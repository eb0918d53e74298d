/** One press of Ctrl-C may arrive twice, from the terminal and forwarded by npm; what comes this soon after is the same, in ms. */
const SAME_PRESS_MS = 300;

/**
 * Calls `handle` with 1 for the first interrupt (Ctrl-C, SIGTERM, or the terminal going away), 2 for the second, and so on.
 * @returns {() => void} stops listening
 */
export function onInterrupt(handle: (count: number) => void): () => void {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  const listener = () => {
    const now = performance.now();
    if (now - last < SAME_PRESS_MS) return;
    last = now;
    handle(++count);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

/** Resolves at the first interrupt; a second one ends the process at once. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    onInterrupt((count) => (count === 1 ? resolve() : process.exit(130)));
  });
}
