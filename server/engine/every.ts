/** Work that is done again and again. */
export interface Repeating {
  /** Begins no further run; resolves when one that was in progress has ended. */
  stop(): Promise<void>;
}

/** Runs `work` `ms` after it last ended, never twice at once, whatever it throws. Does not keep the process alive. */
export function every(ms: number, work: () => Promise<void>, onError: (error: unknown) => void): Repeating {
  let isStopped = false;
  let run: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      run = work().catch(onError).finally(schedule);
    }, ms).unref();
  };
  schedule();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
      return run;
    },
  };
}
