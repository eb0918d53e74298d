import { readBlobs } from '../repo/objects.ts';
import { assertOid, type RepoDeps, repoPath } from '../repo/repository.ts';
import { HANDBOOK_LIMITS } from './limits.ts';

/** A file that tells agents something, and its text or why it has none that is read. */
export interface HandbookFile {
  path: string;
  content: { text: string } | { why: string };
}

/** What there is of a repository's handbook in one tree. */
export interface HandbookFiles {
  /** Those that mean something. */
  files: HandbookFile[];
  /** Paths of all that is in the folders of skills. */
  beside: Iterable<string>;
  /** How many more there are of a kind, which are not read. */
  leftOut: Partial<Record<HandbookKind, number>>;
  /** The list itself was too long to be read. */
  isTooLong: boolean;
}

/**
 * Where roles, skills and commands are looked for. Folders of other agents are read, too, for people have them already; of two things of one
 * name the first counts.
 */
export const FOLDERS = {
  roles: ['.handoff/agents'],
  skills: ['.handoff/skills', '.agents/skills', '.claude/skills'],
  commands: ['.handoff/commands', '.claude/commands'],
} as const;
export type HandbookKind = keyof typeof FOLDERS;
const KINDS = ['roles', 'skills', 'commands'] as const satisfies HandbookKind[];

/** What a file of each kind is called, from its folder on. */
const WANTED: Record<HandbookKind, RegExp> = {
  roles: /^[^/]+\.md$/,
  skills: /^[^/]+\/SKILL\.md$/,
  commands: /\.md$/,
};
const BESIDE = /^\.(?:handoff|agents|claude)\/skills\//;

interface Entry {
  mode: string;
  type: string;
  oid: string;
  size: number;
  path: string;
}

/**
 * Reads them from a tree, on the relay: what an agent writes in its sandbox is none of it. Where there is nothing of it, that is one look at
 * the tree.
 */
export async function readHandbookFiles(
  deps: RepoDeps,
  taskId: string,
  tree: string,
): Promise<HandbookFiles> {
  const repo = repoPath(deps, taskId);
  const entries = await list(deps, repo, tree);
  if (entries === undefined) return { files: [], beside: [], leftOut: {}, isTooLong: true };
  const { wanted, leftOut } = choose(entries);
  const readable = wanted.filter((entry) => whyNot(entry) === undefined);
  const blobs = new Map<string, Buffer>();
  const oids = [...new Set(readable.map(({ oid }) => oid))];
  await readBlobs(deps.git, repo, oids, (oid, data) => blobs.set(oid, data));
  return {
    files: wanted.map((entry) => {
      const why = whyNot(entry);
      const { path } = entry;
      return { path, content: why === undefined ? contentOf(blobs.get(entry.oid)) : { why } };
    }),
    beside: entries.filter(({ path, mode }) => BESIDE.test(path) && mode !== LINK).map(({ path }) => path),
    leftOut,
    isTooLong: false,
  };
}

const LINK = '120000';

/** How many times as many files are read as can count, for some of them may be wrong. */
const SPARE = 2;

/**
 * Of each kind those of the folder that comes first, and not as Git lists them, by name: what was meant for another agent must not crowd
 * out what was meant for this one.
 */
function choose(entries: readonly Entry[]): { wanted: Entry[]; leftOut: HandbookFiles['leftOut'] } {
  const wanted: Entry[] = [];
  const leftOut: HandbookFiles['leftOut'] = {};
  for (const kind of KINDS) {
    const found = FOLDERS[kind].flatMap((folder) =>
      entries.filter(
        ({ path }) => path.startsWith(`${folder}/`) && WANTED[kind].test(path.slice(folder.length + 1)),
      ),
    );
    const most = SPARE * HANDBOOK_LIMITS[kind];
    wanted.push(...found.slice(0, most));
    if (found.length > most) leftOut[kind] = found.length - most;
  }
  return { wanted, leftOut };
}

/** Undefined where there is more than is read. */
async function list({ git }: RepoDeps, repo: string, tree: string): Promise<Entry[] | undefined> {
  let bytes = 0;
  const chunks: Buffer[] = [];
  const folders = Object.values(FOLDERS).flat();
  await git(['ls-tree', '-r', '-l', '-z', '--full-tree', assertOid(tree), '--', ...folders], {
    repo,
    env: { GIT_LITERAL_PATHSPECS: '1' },
    onStdout: (chunk) => {
      bytes += chunk.length;
      if (bytes <= HANDBOOK_LIMITS.listing) chunks.push(chunk);
    },
  });
  if (bytes > HANDBOOK_LIMITS.listing) return undefined;
  return Buffer.concat(chunks)
    .toString()
    .split('\0')
    .flatMap((line) => {
      const [, mode = '', type = '', oid = '', size = '', path = ''] =
        /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t([\s\S]*)$/.exec(line) ?? [];
      return path === '' ? [] : [{ mode, type, oid, size: Number(size), path }];
    });
}

function whyNot({ type, mode, size }: Entry): string | undefined {
  if (type !== 'blob' || mode === LINK) return 'it is not a plain file';
  if (size > HANDBOOK_LIMITS.file) return `it is larger than ${HANDBOOK_LIMITS.file} bytes`;
  return undefined;
}

function contentOf(data: Buffer | undefined): HandbookFile['content'] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    return text.includes('\0') ? { why: 'it is not text' } : { text };
  } catch {
    return { why: 'it is not UTF-8 text' };
  }
}
