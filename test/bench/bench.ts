import type { Figure } from './figure.ts';

/** What every bench works with: a folder of its own, and the repositories that all of them share. */
export interface Place {
  /** Removed afterwards. */
  directory: string;
  /** A repository of 5,000 files and 50 MB, as all of the field was measured on. Each is made once in a run. */
  large: () => Promise<Repository>;
  /** One of 500 files and 5 MB: for what does not depend on the size, and needs many tasks. */
  medium: () => Promise<Repository>;
  /** The small sample project. */
  small: () => Promise<Repository>;
  /** Says how far it is, on stderr. */
  say: (text: string) => void;
}

export interface Repository {
  directory: string;
  commit: string;
}

/** One question about speed or memory, answered by figures. Ends what it started, also when it fails. */
export interface Bench {
  /** In one line, with what it stands for in the table. */
  about: string;
  run(place: Place): Promise<Figure[]>;
}
