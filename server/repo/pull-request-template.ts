import { readBlobs } from './objects.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';
import { textOf } from './texts.ts';

/** Where forges look for a template, in their order; a folder of templates comes after the one that is meant for all. */
const FOLDERS = ['.github', '', 'docs', '.gitea', '.forgejo', '.gitlab', '.azuredevops'];
const NAME = /^pull_request_template(?:\.(?:md|txt))?$/i;
const COLLECTION = /^(?:pull_request_template|merge_request_templates)$/i;
const MAX_BYTES = 60_000;

interface Entry {
  name: string;
  type: string;
  oid: string;
}

/** The repository's template for the text of pull requests, if it has one. */
export async function readTemplate(
  deps: RepoDeps,
  taskId: string,
  tree: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const repo = repoPath(deps, taskId);
  const list = async (treeish: string): Promise<Entry[]> => {
    const printed = await deps.git(['ls-tree', '-z', treeish], { repo, signal });
    return printed
      .toString()
      .split('\0')
      .flatMap((line) => {
        const [, type, oid, name] = /^\d+ (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
        return type && oid && name ? [{ type, oid, name }] : [];
      });
  };
  const root = await list(assertOid(tree));
  const folders = new Map<string, Entry[]>();
  for (const folder of FOLDERS) {
    const found = root.find(({ name, type }) => type === 'tree' && name === folder);
    const entries = folder === '' ? root : found && (await list(found.oid));
    if (entries !== undefined) folders.set(folder, entries);
  }
  const all = [...folders.values()];
  const single = all.flatMap((entries) =>
    entries.filter(({ type, name }) => type === 'blob' && NAME.test(name)),
  );
  const template = single[0] ?? (await firstOfCollection(all, list));
  if (template === undefined) return undefined;
  let text: string | undefined;
  await readBlobs(deps.git, repo, [template.oid], (_oid, data) => (text = textOf(data)), { signal });
  return text === undefined || text.trim() === '' ? undefined : text.slice(0, MAX_BYTES);
}

/** GitLab's `Default.md`, else the first by name. */
async function firstOfCollection(
  folders: Entry[][],
  list: (tree: string) => Promise<Entry[]>,
): Promise<Entry | undefined> {
  for (const entries of folders) {
    const folder = entries.find(({ type, name }) => type === 'tree' && COLLECTION.test(name));
    if (folder === undefined) continue;
    const texts = (await list(folder.oid)).filter(({ type, name }) => type === 'blob' && /\.md$/i.test(name));
    const first = texts.find(({ name }) => name.toLowerCase() === 'default.md') ?? texts[0];
    if (first !== undefined) return first;
  }
  return undefined;
}
