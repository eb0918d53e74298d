/** Every figure that bounds what a tool returns or does, in one place, each with its reason. */
export const LIMITS = {
  /** Lines that `read` returns at once: a file of this size is rarely read whole with profit. */
  readLines: 2000,
  /** Longer lines are cut: minified files would fill the context with one line. In UTF-16 units. */
  readLineLength: 2000,
  /** Bytes that `read` returns at once, whatever the lines. */
  readBytes: 50_000,
  /** Bytes that `read` and `edit` load of a file at most. */
  fileBytes: 10_000_000,
  /** Bytes of an image or PDF that a model is shown: providers take 5 MB of base64, which is a third more. */
  mediaBytes: 3_750_000,
  /** Files that are looked at to list a folder: the most that a search returns. */
  folderFiles: 5000,
  /** Entries of a folder that `read` lists. */
  folderEntries: 500,
  /** Edits in one call: more is another version of the file, for which there is `write`. */
  edits: 100,
  /** Of edits that cannot be made, how many are explained at once. */
  editProblems: 5,
  /** Places that one call changes: more is work for a program, and takes long where everybody waits. */
  editPlaces: 100_000,
  /**
   * UTF-16 units of a file that are compared with texts that were not found, all of a call together: an eighth of a second, in which a
   * relay does nothing else.
   */
  editCompared: 1_000_000,
  /** Lines that are named where a text occurs more than once. */
  editLinesNamed: 10,
  /** Of text that was not found: places that are like it, lines shown of each, and UTF-16 units of a line. */
  editNearest: 3,
  editNearestLines: 8,
  editNearestLine: 200,
  /** Paths that `glob` returns unless told otherwise, and at most. */
  glob: 100,
  globMost: 1000,
  /** Lines that `grep` returns unless told otherwise, and at most. */
  grep: 100,
  grepMost: 1000,
  /** Of a line that `grep` found, in UTF-16 units. */
  grepLineLength: 300,
  /** Bytes that `grep` and `glob` return at once, whatever the lines: as much as `read`. */
  searchBytes: 50_000,
  /** What a search can be gone on with to: the sandbox orders no more than this. */
  searchDepth: 5000,
  /** Bytes that a command's streams return each, half from the beginning and half from the end. */
  bashBytes: 30_000,
  /** Milliseconds that a command may run unless told otherwise, and at most. */
  bashTimeout: 120_000,
  bashTimeoutMost: 1_800_000,
  /** Milliseconds that a command in the background may run: its turn ends it, which by then has been waiting for days. */
  bashBackground: 86_400_000,
  /** Milliseconds in which a command in the background that fails at once is seen to: servers need no more to find their port taken. */
  bashBackgroundLook: 1000,
  /** Milliseconds of silence behind what looks like a question: programs that ask go on no sooner, others rarely pause there so long. */
  bashAsking: 5000,
  /** Of a running command's output, in UTF-16 units: what is shown while it runs; the result is not affected. */
  bashShown: 60_000,
  /** Of a fetched page in its result, in UTF-16 units: as much as `read` returns; the rest is read by its handle. */
  fetchChars: 40_000,
  /** Bytes of a command's log that are looked through at once. */
  logPiece: 1 << 20,
} as const;
