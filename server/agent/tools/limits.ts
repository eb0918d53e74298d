/** Every figure that bounds what a tool returns, in one place, each with its reason. */
export const LIMITS = {
  /** Lines that `read` returns at once: a file of this size is rarely read whole with profit. */
  readLines: 2000,
  /** Longer lines are cut: minified files would fill the context with one line. In UTF-16 units. */
  readLineLength: 2000,
  /** Bytes that `read` returns at once, whatever the lines. */
  readBytes: 50_000,
  /** Bytes that `read` and `edit` load of a file at most. */
  fileBytes: 10_000_000,
  /** Paths that `glob` returns unless told otherwise, and at most. */
  glob: 100,
  globMost: 1000,
  /** Lines that `grep` returns unless told otherwise, and at most. */
  grep: 100,
  grepMost: 1000,
  /** Of a line that `grep` found, in UTF-16 units. */
  grepLineLength: 300,
  /** Bytes that a command's streams return each, half from the beginning and half from the end. */
  bashBytes: 30_000,
  /** Milliseconds that a command may run unless told otherwise, and at most. */
  bashTimeout: 120_000,
  bashTimeoutMost: 1_800_000,
  /** Of a running command's output, in UTF-16 units: what is shown while it runs; the result is not affected. */
  bashShown: 60_000,
} as const;
