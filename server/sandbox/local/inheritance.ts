import fs from 'node:fs';

/** O_CLOEXEC in the octal `flags` of /proc/self/fdinfo. */
const CLOSE_ON_EXEC = 0o2000000;
/** Descriptors beyond this are not covered; no shell or editor hands such on. */
const HIGHEST = 4_096;

/**
 * Descriptors that whoever started this process left open, and that every child would inherit: bwrap hands them on, and an
 * open folder would be a way out of the sandbox. Node opens its own so that children do not get them, but does not close
 * those that it was given.
 */
function inheritedDescriptors(): number[] {
  return fs
    .readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd <= HIGHEST && isInheritable(fd));
}

function isInheritable(fd: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // It was closed meanwhile.
  }
}

/**
 * The `stdio` of a child that gets these descriptors, by position, and no other: what it would inherit besides is replaced
 * by `devNull`.
 */
export function onlyThese<Entry>(
  entries: Entry[],
  devNull: number,
  inherited: number[] = inheritedDescriptors(),
): Array<Entry | number | 'ignore'> {
  const beyond = inherited.filter((fd) => fd >= entries.length);
  const length = Math.max(entries.length - 1, ...beyond) + 1;
  const gaps = Array.from({ length: length - entries.length }, (_, index) =>
    beyond.includes(entries.length + index) ? devNull : ('ignore' as const),
  );
  return [...entries, ...gaps];
}
