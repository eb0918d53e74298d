/** Numbers and times as people read them. Pure: the present is a parameter. */

/** `840 ms`, `1.2 s`, `42 s`, `3 m 05 s`, `1 h 02 m`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return wholeSeconds(ms);
}

/** `3 s`, `3 m 05 s`, `1 h 02 m`: for a time that ticks. */
export function wholeSeconds(ms: number): string {
  const whole = Math.round(ms / 1000);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} m ${pad(whole % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
}

/** `900`, `12.3k`, `1.2M`. */
export function count(value: number): string {
  if (value < 1000) return String(value);
  if (value < 999_950) return `${(value / 1000).toFixed(1).replace('.0', '')}k`;
  return `${(value / 1_000_000).toFixed(1).replace('.0', '')}M`;
}

/** `840 B`, `12 KB`, `3.4 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Millionths of a US dollar as `$1.20`, `$0.034` and, below a tenth of a cent, `<$0.001`. */
export function money(micros: number): string {
  if (micros > 0 && micros < 1000) return '<$0.001';
  return `$${(micros / 1_000_000).toFixed(micros > 0 && micros < 1_000_000 ? 3 : 2)}`;
}

const DAY = 86_400_000;

/** `now`, `5 min`, `3 h`, `2 d`, then the date: as a list's right-hand column. */
export function ago(at: number, now: number): string {
  const elapsed = now - at;
  if (elapsed < 60_000) return 'now';
  if (elapsed < 3_600_000) return `${Math.floor(elapsed / 60_000)} min`;
  if (elapsed < DAY) return `${Math.floor(elapsed / 3_600_000)} h`;
  if (elapsed < 7 * DAY) return `${Math.floor(elapsed / DAY)} d`;
  return new Date(at).toISOString().slice(0, 10);
}

const pad = (value: number) => String(value).padStart(2, '0');
