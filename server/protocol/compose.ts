import type { Segment } from './hunks.ts';

/**
 * Base with the accepted changes and nothing else: pure concatenation, no search, no fuzz.
 * Accepting every hash gives the proposal; accepting none gives the base.
 */
export function compose(runs: readonly Segment[], accepted: ReadonlySet<string>): string {
  return runs
    .map((run) => {
      if (run.kind === 'same') return run.lines.join('');
      return (accepted.has(run.hash) ? run.after : run.before).join('');
    })
    .join('');
}
