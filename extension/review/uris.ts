/** The scheme of documents that show one side of a proposed change. */
export const REVIEW_SCHEME = 'handoff';

/**
 * One side of one file of a review. The proposal's document has the same name in every revision and can be written; the base's is
 * named by its content.
 */
export interface ReviewDocument {
  taskId: string;
  side: 'base' | 'proposal';
  /** In the repository. Both sides have the same, or the editor would show a rename. */
  path: string;
  /** Of the base's content; absent where there is none. */
  oid?: string;
  /** A description of what is no text: sizes, modes, where a link leads. */
  facts?: true;
}

/** The parts of a URI, as `vscode.Uri.from` takes them and a `vscode.Uri` has them. */
export interface UriParts {
  scheme: string;
  authority: string;
  path: string;
  query: string;
}

/** Ids go into the query: an authority is compared without regard to case. */
export function toReviewUri({ taskId, side, path, oid, facts }: ReviewDocument): UriParts {
  const query = new URLSearchParams({
    task: taskId,
    ...(oid === undefined ? {} : { oid }),
    ...(facts ? { facts: '1' } : {}),
  }).toString();
  return { scheme: REVIEW_SCHEME, authority: side, path: `/${path}`, query };
}

/** The reverse; nothing for a URI that `toReviewUri` did not make. */
export function fromReviewUri({ scheme, authority, path, query }: UriParts): ReviewDocument | undefined {
  const parameters = new URLSearchParams(query);
  const taskId = parameters.get('task');
  const oid = parameters.get('oid');
  const side = authority === 'base' || authority === 'proposal' ? authority : undefined;
  if (scheme !== REVIEW_SCHEME || !side || !taskId || !path.startsWith('/')) return undefined;
  return {
    taskId,
    side,
    path: path.slice(1),
    ...(oid === null ? {} : { oid }),
    ...(parameters.has('facts') ? { facts: true } : {}),
  };
}
