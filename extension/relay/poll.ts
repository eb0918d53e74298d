/** Calls `work` now and every `everyMs` while anything is visible. Rejections are `work`'s own to deal with. */
export function createPoll(work: () => void, everyMs: number) {
  const visible = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  return {
    /** Says whether `name` is on screen. */
    show(name: string, isVisible: boolean): void {
      if (isVisible) visible.add(name);
      else visible.delete(name);
      if (visible.size > 0 && timer === undefined) {
        timer = setInterval(work, everyMs);
        work();
      }
      if (visible.size === 0) this.dispose();
    },
    dispose(): void {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
