/** What was opened, to be closed in the reverse order, at a failure half way as at the end. */
export interface Teardown {
  add(close: () => unknown): void;
  /** Closes everything, once, whatever fails to; `onError` hears of that. */
  run(onError: (error: unknown) => void): Promise<void>;
}

export function createTeardown(): Teardown {
  const closers: (() => unknown)[] = [];
  return {
    add: (close) => void closers.push(close),
    async run(onError) {
      for (let close = closers.pop(); close; close = closers.pop()) {
        try {
          await close();
        } catch (error) {
          onError(error);
        }
      }
    },
  };
}
