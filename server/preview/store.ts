/** A link to a port of a task's sandbox. What opens it is kept as hashes only: SHA-256, hex. */
export interface Link {
  /** Names the preview in its host name; alone it opens nothing. */
  previewId: string;
  taskId: string;
  port: number;
  /** Milliseconds since 1970. */
  createdAt: number;
  expiresAt: number;
  /** Opens the preview in the browser that comes first. */
  keyHash: string;
  /** What that browser has as a cookie from then on. */
  cookieHash: string | null;
  /** Revoked by its person, or because its task was archived. */
  isRevoked: boolean;
}

/** Links, beyond the life of a relay. Every function may be repeated. */
export interface PreviewStore {
  add(link: Link): Promise<void>;
  find(previewId: string): Promise<Link | undefined>;
  /** Those of a task that are open at this time, newest first. */
  ofTask(taskId: string, now: number): Promise<Link[]>;
  /** Gives the link to the browser with this cookie; false where another one has it. */
  claim(previewId: string, cookieHash: string): Promise<boolean>;
  /** False where the task has no such link. */
  revoke(taskId: string, previewId: string): Promise<boolean>;
  /** Whether any link is open at this time. */
  hasOpen(now: number): Promise<boolean>;
}
