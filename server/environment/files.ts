import { REPOSITORY_CONFIG, readRepositoryConfig } from '../protocol/repository-config.ts';
import { blobSizes, readBlobs } from '../repo/objects.ts';
import { assertOid, type RepoDeps, repoPath } from '../repo/repository.ts';

/** What a repository says of its environment, as its task began: the texts of its files, and what its setup depends on. */
export interface EnvironmentFiles {
  config?: string;
  /** `.handoff/setup.sh` */
  setupScript?: string;
  devcontainer?: string;
  /** Object names of lock files, and of what the configuration calls inputs, by path. */
  inputs: Record<string, string>;
  /** Files that are there and are not read, and why not. */
  unread: { path: string; why: string }[];
}

export const SETUP_SCRIPT = '.handoff/setup.sh';
/** The first that is there counts. */
export const DEVCONTAINERS = ['.devcontainer/devcontainer.json', '.devcontainer.json'];

/** Bytes of each file. */
const MOST_BYTES = 64 * 1024;
/** Of Git's list of all files, in bytes. */
const LISTING_LIMIT = 2 ** 28;

/** What pins what a setup installs, wherever it lies in the first two levels. */
const LOCK_FILE =
  /^(?:[^/]+\/)?(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?|deno\.lock|requirements[\w.-]*\.txt|poetry\.lock|uv\.lock|pdm\.lock|Pipfile\.lock|Gemfile\.lock|Cargo\.lock|go\.sum|composer\.lock|mix\.lock|pubspec\.lock|gradle\.lockfile|flake\.lock|packages\.lock\.json|\.nvmrc|\.node-version|\.python-version|\.ruby-version|\.tool-versions|rust-toolchain(?:\.toml)?)$/;

interface Entry {
  mode: string;
  type: string;
  oid: string;
}

/**
 * Reads them from the tree that the task started from, on the relay: what the agent writes in its sandbox is none of it. Where there
 * are none, that is one look at the tree.
 */
export async function readEnvironmentFiles(
  deps: RepoDeps,
  taskId: string,
  baseTree: string,
): Promise<EnvironmentFiles> {
  const repo = repoPath(deps, taskId);
  const asked = [REPOSITORY_CONFIG, SETUP_SCRIPT, ...DEVCONTAINERS];
  const entries = await list(deps, repo, baseTree, asked);
  const files: EnvironmentFiles = { inputs: {}, unread: [] };
  if (entries.size === 0) return files;

  const texts = await readTexts(deps, repo, entries, files.unread);
  const config = texts.get(REPOSITORY_CONFIG);
  const setupScript = texts.get(SETUP_SCRIPT);
  const devcontainer = DEVCONTAINERS.map((path) => texts.get(path)).find((text) => text !== undefined);
  if (config !== undefined) files.config = config;
  if (setupScript !== undefined) files.setupScript = setupScript;
  if (devcontainer !== undefined) files.devcontainer = devcontainer;

  for (const [path, { oid }] of await list(deps, repo, baseTree))
    if (LOCK_FILE.test(path)) files.inputs[path] = oid;
  const named = config === undefined ? [] : (readRepositoryConfig(config).config.setup?.inputs ?? []);
  if (named.length > 0) {
    const found = await list(deps, repo, baseTree, named);
    for (const path of named) files.inputs[path] = found.get(path)?.oid ?? 'missing';
  }
  return files;
}

/** The entries at `paths` of a tree; without paths, all files of it. */
async function list(
  { git }: RepoDeps,
  repo: string,
  tree: string,
  paths: string[] = [],
): Promise<Map<string, Entry>> {
  const depth = paths.length === 0 ? ['-r'] : [];
  const printed = await git(['ls-tree', '-z', '--full-tree', ...depth, '--', assertOid(tree), ...paths], {
    repo,
    env: { GIT_LITERAL_PATHSPECS: '1' },
    maxOutputBytes: LISTING_LIMIT,
  });
  const lines = printed.toString().split('\0').filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [entry = '', path = ''] = line.split('\t');
      const [mode = '', type = '', oid = ''] = entry.split(' ');
      return [path, { mode, type, oid }];
    }),
  );
}

async function readTexts(
  deps: RepoDeps,
  repo: string,
  entries: Map<string, Entry>,
  unread: EnvironmentFiles['unread'],
): Promise<Map<string, string>> {
  const files = [...entries].filter(([path, { type, mode }]) => {
    const isFile = type === 'blob' && mode !== '120000';
    if (!isFile) unread.push({ path, why: 'it is not a plain file' });
    return isFile;
  });
  const sizes = await blobSizes(
    deps.git,
    repo,
    files.map(([, { oid }]) => oid),
  );
  const small = files.filter(([path, { oid }]) => {
    const isSmall = (sizes.get(oid) ?? 0) <= MOST_BYTES;
    if (!isSmall) unread.push({ path, why: `it is larger than ${MOST_BYTES} bytes` });
    return isSmall;
  });
  const byOid = new Map<string, string>();
  const oids = [...new Set(small.map(([, { oid }]) => oid))];
  await readBlobs(deps.git, repo, oids, (oid, data) => byOid.set(oid, new TextDecoder().decode(data)));
  return new Map(small.map(([path, { oid }]) => [path, byOid.get(oid) ?? '']));
}
