import * as z from 'zod';

/** A Git object name, SHA-1 or SHA-256. */
export const Oid = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'must be a full Git object name');

/** A path inside a repository: relative, forward slashes, no `.`/`..`/`.git` component, no NUL. */
export const RepoPath = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'), {
    message: 'must be relative, without empty, "." or ".." components',
  })
  .refine((path) => !path.includes('\0') && !path.split('/').some((part) => part.toLowerCase() === '.git'), {
    message: 'must not contain NUL or a ".git" component',
  });

/** Git file modes that a tree entry of a file may have. */
export const FileMode = z.enum(['100644', '100755', '120000']);
export type FileMode = z.infer<typeof FileMode>;

/** A repository's URL. One that carries credentials is refused here, before it could be stored or shown anywhere. */
const RepositoryUrl = z
  .string()
  .min(1)
  .max(4096)
  .refine((url) => !/^https?:\/\/[^/]*@/i.test(url) && !/^[a-z+]+:\/\/[^/@]*:[^/@]*@/i.test(url), {
    message: 'must not contain credentials',
  });

/** One uncommitted file: its whole content as Git would store it, or `null` where the person deleted it. */
export const OverlayFile = z.object({
  path: RepoPath,
  mode: FileMode,
  content: z.base64().nullable(),
});
export type OverlayFile = z.infer<typeof OverlayFile>;

/** Which commit a submodule is at, or `null` where the person removed it. What is in the submodule does not travel. */
export const OverlaySubmodule = z.object({
  path: RepoPath,
  mode: z.literal('160000'),
  oid: Oid.nullable(),
});
export type OverlaySubmodule = z.infer<typeof OverlaySubmodule>;

export const OverlayEntry = z.discriminatedUnion('mode', [OverlayFile, OverlaySubmodule]);
export type OverlayEntry = z.infer<typeof OverlayEntry>;

/** A commit, and where the relay gets its objects from. */
export const SourcePlace = z.object({
  /** Where the relay fetches from. `file://` only on a relay that listens on loopback. */
  url: RepositoryUrl.optional(),
  /** Where accepted work is pushed to. Absent: `url`, unless that is a `file://` one. Never with credentials. */
  remote: RepositoryUrl.optional(),
  commit: Oid,
  /** The branch that the person was on: the base of the pull request. */
  branch: z.string().max(255).optional(),
  /** As the upload was answered. */
  sourceId: z.uuid().optional(),
  /** Where the bundle came out of a shallow clone: the commits whose parents it lacks. */
  shallow: z.array(Oid).max(10_000).optional(),
});
export type SourcePlace = z.infer<typeof SourcePlace>;

/**
 * What a sandbox starts from: the tree of `commit` with `overlay` laid over it.
 * The relay gets the commit's objects from `url`, or from the uploaded bundle `sourceId`.
 */
export const SourceSpec = SourcePlace.extend({
  overlay: z.array(OverlayEntry).max(20_000).default([]),
}).refine((source) => source.url !== undefined || source.sourceId !== undefined, {
  message: 'needs a url, or the sourceId of an uploaded bundle',
});
export type SourceSpec = z.infer<typeof SourceSpec>;

/** What is shown of a source: no content, no credential. */
export const SourceSummary = z.object({
  /** The remote without credentials, or the local folder's name. */
  repository: z.string(),
  remote: z.string().optional(),
  commit: Oid,
  branch: z.string().optional(),
  overlayFiles: z.number().int(),
});
export type SourceSummary = z.infer<typeof SourceSummary>;
