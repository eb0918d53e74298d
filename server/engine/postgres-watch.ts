export interface Watch {
  /** The process that runs now, as far as is known. */
  pid(): number;
  end(): void;
}

/** How often (ms) it is looked at, and how long at most between two attempts to start it again. */
const LOOK_EVERY_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * Starts Postgres again when it has ended by itself, such as by the kernel where memory ran out; the relay's connections
 * wait for it. One that does not come up is tried again, less and less often.
 */
export function watchPostgres(options: {
  pid: number;
  isAlive: (pid: number) => Promise<boolean>;
  /** Answers with the new pid. */
  restart: () => Promise<number>;
  /** Gives up a process that came up after the watch had ended. */
  stop: (pid: number) => void;
  onRestart: (error?: unknown) => void;
}): Watch {
  let { pid } = options;
  let ended = false;
  let timer = setTimeout(look, LOOK_EVERY_MS).unref();
  let wait = LOOK_EVERY_MS;

  async function look(): Promise<void> {
    try {
      if (!(await options.isAlive(pid)) && !ended) {
        pid = await options.restart();
        if (ended) options.stop(pid);
        options.onRestart();
      }
      wait = LOOK_EVERY_MS;
    } catch (error) {
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      options.onRestart(error);
    }
    if (!ended) timer = setTimeout(look, wait).unref();
  }

  return {
    pid: () => pid,
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
