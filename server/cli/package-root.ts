import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder of Handoff's package.json: of the clone, or of the installed extension. Also found from inside a bundle. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) throw new Error('no package.json above the program');
  }
}
