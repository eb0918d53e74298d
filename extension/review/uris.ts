/** The scheme of documents that show one side of a proposed change. */
export const REVIEW_SCHEME = 'handoff';

/** One side of one file of a review. The content is named by its oid, so a document never changes under the person. */
export interface ReviewDocument {
  taskId: string;
  side: 'base' | 'proposal';
  /** In the repository. Both sides have the same, or the editor would show a rename. */
  path: string;
  oid: string;
}

/** The parts of a URI, as `vscode.Uri.from` takes them and a `vscode.Uri` has them. */
export interface UriParts {
  scheme: string;
  authority: string;
  path: string;
  query: string;
}

/** Ids go into the query: an authority is compared without regard to case. */
export function toReviewUri({ taskId, side, path, oid }: ReviewDocument): UriParts {
  const query = new URLSearchParams({ task: taskId, oid }).toString();
  return { scheme: REVIEW_SCHEME, authority: side, path: `/${path}`, query };
}

/** The reverse; nothing for a URI that `toReviewUri` did not make. */
export function fromReviewUri({ scheme, authority, path, query }: UriParts): ReviewDocument | undefined {
  const parameters = new URLSearchParams(query);
  const taskId = parameters.get('task');
  const oid = parameters.get('oid');
  const side = authority === 'base' || authority === 'proposal' ? authority : undefined;
  if (scheme !== REVIEW_SCHEME || !side || !taskId || !oid || !path.startsWith('/')) return undefined;
  return { taskId, side, path: path.slice(1), oid };
}
