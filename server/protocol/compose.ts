import type { Segment } from './hunks.ts';

/**
 * Base with the accepted changes and nothing else: pure concatenation, no search, no fuzz.
 * Accepting every hash gives the proposal; accepting none gives the base.
 */
export function compose(runs: Segment[], accepted: ReadonlySet<string>): string {
  return runs
    .flatMap((run) => {
      if (run.kind === 'same') return run.lines;
      return accepted.has(run.hash) ? run.after : run.before;
    })
    .join('');
}
