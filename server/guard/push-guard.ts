import { AppError } from '../errors.ts';
import type { Segment } from '../protocol/hunks.ts';
import type { SecretFinding } from '../protocol/publish.ts';
import { eachContent } from '../repo/contents.ts';
import { GitError } from '../repo/git.ts';

import { type PushPlan, stepsOf } from '../repo/pushed-tree.ts';
import { entryChanges, GITLINK, type RawChange, statusOf } from '../repo/raw-changes.ts';
import { type RepoDeps, repoPath } from '../repo/repository.ts';
import { isAutomation } from './automation.ts';
import { MAX_FINDINGS, secretFile, secretsIn } from './secret-scan.ts';

/** What of a push needs the person's own word. */
export interface PushFindings {
  /** Files that the repository's automation runs, sorted. */
  workflows: string[];
  secrets: SecretFinding[];
  /** There are more secrets than are told of. */
  isTruncated: boolean;
}

/** What goes along with the commits: the words of the last of them, and of the pull request. */
export interface PushText {
  title: string;
  body: string;
}

/** What the person said to it. */
export interface PushConsent {
  allowWorkflows: boolean;
  /** By fingerprint. */
  allowedSecrets: readonly string[];
}

/** Stands for the path of a file where what is found is in the words. */
const DESCRIPTION = '(description)';

/**
 * Looks into the words, and into every line that a push would add, commit by commit: what the first adds and the second removes is in the
 * history all the same. Files without text, or too large to be compared by lines, are looked through from their beginning.
 */
export async function inspectPush(
  deps: RepoDeps,
  taskId: string,
  plan: PushPlan,
  { title, body }: PushText,
  signal?: AbortSignal,
): Promise<PushFindings> {
  const workflows = new Set<string>();
  const secrets = new Map<string, SecretFinding>();
  const isTruncated = (): boolean => secrets.size > MAX_FINDINGS;
  const take = (found: SecretFinding[]): void => {
    for (const finding of found)
      if (!secrets.has(finding.fingerprint)) secrets.set(finding.fingerprint, finding);
  };
  const look = (path: string, line: number, text: string): void => {
    if (!isTruncated()) take(secretsIn({ path, line, text }));
  };
  look(DESCRIPTION, 1, `${title}\n\n${body}`);
  for (const [from, to] of stepsOf(plan)) {
    const changes = await fileChanges(deps, taskId, from, to, signal);
    for (const { path } of changes) if (isAutomation(path)) workflows.add(path);
    const added = changes.filter(({ newOid }) => newOid !== null);
    const opaque: RawChange[] = [];
    await eachContent(
      deps,
      taskId,
      added,
      (change, content) => {
        const { path, oldOid, newOid } = change;
        if (oldOid === null && newOid !== null) take(secretFile(path, newOid));
        // A file in a link's place has no lines to compare.
        if (content.kind === 'binary' || statusOf(change) === 'type-changed') opaque.push(change);
        else for (const { line, text } of addedRuns(content.runs)) look(path, line, text);
      },
      { signal },
    );
    for (const { path, newOid } of opaque) {
      if (newOid === null || isTruncated()) continue;
      await eachPiece(deps, taskId, newOid, (line, text) => look(path, line, text), signal);
    }
  }
  return {
    workflows: [...workflows].sort(),
    secrets: [...secrets.values()].slice(0, MAX_FINDINGS),
    isTruncated: isTruncated(),
  };
}

/** What becomes of files between two trees, those included whose names are not UTF-8. Their paths are to be shown and nothing else. */
async function fileChanges(
  deps: RepoDeps,
  taskId: string,
  from: string,
  to: string,
  signal: AbortSignal | undefined,
): Promise<RawChange[]> {
  const changes = await entryChanges(deps, taskId, from, to, signal);
  return changes.flatMap((change) => {
    // A submodule is the name of a commit of another repository: there is nothing to look into, on either side.
    if (change.newMode === GITLINK) return [];
    const before = change.oldMode === GITLINK ? { oldMode: null, oldOid: null } : {};
    return [{ ...change, ...before, path: Buffer.from(change.path, 'latin1').toString() }];
  });
}

/** Throws `secrets_found` or `workflows_need_consent` unless the person has said yes to everything that was found. */
export function assertConsent(findings: PushFindings, consent: PushConsent): void {
  const [refused] = refusals(findings, consent);
  if (refused) throw refused;
}

/** Why this may not be pushed yet. */
export function refusals(
  { workflows, secrets, isTruncated }: PushFindings,
  consent: PushConsent,
): AppError[] {
  const allowed = new Set(consent.allowedSecrets);
  const unsaid = secrets.filter(({ fingerprint }) => !allowed.has(fingerprint));
  const errors: AppError[] = [];
  if (isTruncated) {
    // Those that are not told of cannot be allowed one by one, and nothing is pushed unseen.
    errors.push(
      new AppError(
        'secrets_found',
        `What would be pushed looks like it has more than ${MAX_FINDINGS} secrets, which are not pushed whatever is allowed.`,
        { nextAction: 'Do not accept the files that hold them, or take the values out of them.' },
      ),
    );
  } else if (unsaid.length > 0) {
    const places = unsaid.map(({ path, line, rule, fingerprint: id }) => `${path}:${line} (${rule}, ${id})`);
    errors.push(
      new AppError('secrets_found', `What would be pushed looks like it has secrets: ${listed(places)}.`, {
        nextAction:
          'Do not accept those lines, or take the values out of them. If they are no secrets, say so of each.',
      }),
    );
  }
  if (workflows.length > 0 && !consent.allowWorkflows) {
    errors.push(
      new AppError(
        'workflows_need_consent',
        `What would be pushed changes what the repository runs by itself: ${listed(workflows)}.`,
        { nextAction: 'Read those changes, then allow them, or do not accept them.' },
      ),
    );
  }
  return errors;
}

const LISTED = 10;

const listed = (names: string[]): string =>
  names.length <= LISTED
    ? names.join(', ')
    : `${names.slice(0, LISTED).join(', ')} and ${names.length - LISTED} more`;

/** The lines that only the newer side has, with the number of the first of each run. */
function* addedRuns(runs: Segment[]): Generator<{ line: number; text: string }> {
  let line = 1;
  for (const run of runs) {
    const lines = run.kind === 'same' ? run.lines : run.after;
    if (run.kind === 'changed' && lines.length > 0) yield { line, text: lines.join('') };
    line += lines.length;
  }
}

/** How much of a file without text is looked through. */
const MAX_OPAQUE_BYTES = 64 * 2 ** 20;
const PIECE_BYTES = 2 ** 20;
/** Pieces overlap by more than any credential is long. */
const OVERLAP = 8 * 1024;

/** Ends the reading of a file that is longer than is looked through. */
class Enough extends Error {
  override readonly name = 'Enough';
}

/** A file's bytes as text, piece by piece, and the line that each begins at. Without NULs, so that UTF-16 reads like ASCII. */
async function eachPiece(
  deps: RepoDeps,
  taskId: string,
  oid: string,
  visit: (line: number, text: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  let text = '';
  let line = 1;
  let read = 0;
  const look = (keep: number): void => {
    visit(line, text);
    const rest = text.slice(Math.max(0, text.length - keep));
    line += text.slice(0, text.length - rest.length).split('\n').length - 1;
    text = rest;
  };
  try {
    await deps.git(['cat-file', 'blob', oid], {
      repo: repoPath(deps, taskId),
      signal,
      onStdout(chunk) {
        read += chunk.length;
        text += chunk.toString('latin1').replaceAll('\0', '');
        if (text.length >= PIECE_BYTES) look(OVERLAP);
        if (read > MAX_OPAQUE_BYTES) throw new Enough();
      },
    });
  } catch (error) {
    if (!(error instanceof GitError && error.cause instanceof Enough)) throw error;
  }
  look(0);
}
