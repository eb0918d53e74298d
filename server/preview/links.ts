import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Link, PreviewStore } from './store.ts';

/** Open links of one task at once. */
const MOST_OPEN = 50;

/** What a browser shows of a link: `stranger` where it proves nothing, whether or not there is such a link. */
export type Standing = { kind: 'stranger' } | { kind: 'over'; link: Link } | { kind: 'open'; link: Link };

export interface PreviewLinks {
  /** A new link, and the key that opens it in one browser. */
  make(wish: { taskId: string; port: number; minutes: number }): Promise<{ link: Link; key: string }>;
  /** Gives the link to the browser that shows the key first. `cookie` is set only then: what it shows from then on. */
  enter(previewId: string, key: string): Promise<Standing & { cookie?: string }>;
  /** Who comes with this cookie. */
  meet(previewId: string, cookie: string | undefined): Promise<Standing>;
  isOver(previewId: string): Promise<boolean>;
}

/** @param now milliseconds since 1970 */
export function createPreviewLinks(store: PreviewStore, now: () => number): PreviewLinks {
  const standing = (link: Link): Standing => ({ kind: isOver(link, now()) ? 'over' : 'open', link });
  return {
    async make({ taskId, port, minutes }) {
      const open = await store.ofTask(taskId, now());
      if (open.length >= MOST_OPEN) throw tooMany();
      const key = secret();
      const link: Link = {
        previewId: randomBytes(16).toString('hex'),
        taskId,
        port,
        createdAt: now(),
        expiresAt: now() + minutes * 60_000,
        keyHash: hash(key),
        cookieHash: null,
        isRevoked: false,
      };
      await store.add(link);
      return { link, key };
    },

    async enter(previewId, key) {
      const link = await store.find(previewId);
      if (link === undefined || !isEqual(hash(key), link.keyHash)) return { kind: 'stranger' };
      if (isOver(link, now())) return { kind: 'over', link };
      const cookie = secret();
      // The key is used up: who has the address from a history or a log has nothing.
      if (!(await store.claim(previewId, hash(cookie)))) return { kind: 'over', link };
      return { kind: 'open', link, cookie };
    },

    async meet(previewId, cookie) {
      const link = await store.find(previewId);
      if (link === undefined || link.cookieHash === null || cookie === undefined) return { kind: 'stranger' };
      return isEqual(hash(cookie), link.cookieHash) ? standing(link) : { kind: 'stranger' };
    },

    async isOver(previewId) {
      const link = await store.find(previewId);
      return link === undefined || isOver(link, now());
    },
  };
}

const isOver = (link: Link, now: number): boolean => link.isRevoked || link.expiresAt <= now;

const secret = (): string => randomBytes(32).toString('base64url');
const hash = (value: string): string => createHash('sha256').update(value).digest('hex');
const isEqual = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

const tooMany = (): AppError =>
  new AppError('conflict', `The task has ${MOST_OPEN} open previews, which is the most.`, {
    nextAction: 'Revoke those that you do not need, then open this one again.',
  });
