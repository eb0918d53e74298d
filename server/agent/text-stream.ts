/** Gathers small pieces of text and hands them on at most every `intervalMs`, in order, one hand-over at a time. */
export interface TextStream {
  push(text: string): void;
  /** Hands on what is left and waits until everything has been taken. Throws what a hand-over threw. */
  close(): Promise<void>;
}

/** @param deliver takes each gathered piece and its place, counted from 0 */
export function createTextStream(
  intervalMs: number,
  deliver: (text: string, index: number) => Promise<void>,
): TextStream {
  let gathered = '';
  let index = 0;
  let timer: NodeJS.Timeout | undefined;
  let delivered: Promise<void> = Promise.resolve();

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered === '') return;
    const text = gathered;
    const place = index++;
    gathered = '';
    delivered = delivered.then(() => deliver(text, place));
    // A failed hand-over is reported by `close`; until then it must not count as unhandled.
    delivered.catch(() => {});
  };

  return {
    push(text) {
      gathered += text;
      timer ??= setTimeout(flush, intervalMs);
    },
    async close() {
      flush();
      await delivered;
    },
  };
}
