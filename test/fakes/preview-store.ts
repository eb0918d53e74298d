import type { Link, PreviewStore } from '../../server/preview/store.ts';

/** Links that last as long as the test. */
export function createMemoryStore(): PreviewStore & { links: Map<string, Link> } {
  const links = new Map<string, Link>();
  const isOpen = (link: Link, now: number): boolean => !link.isRevoked && link.expiresAt > now;
  return {
    links,
    add: async (link) => void links.set(link.previewId, link),
    find: async (previewId) => links.get(previewId),
    ofTask: async (taskId, now) =>
      [...links.values()].filter((link) => link.taskId === taskId && isOpen(link, now)).reverse(),
    async claim(previewId, cookieHash) {
      const link = links.get(previewId);
      if (link === undefined || (link.cookieHash ?? cookieHash) !== cookieHash) return false;
      links.set(previewId, { ...link, cookieHash });
      return true;
    },
    async revoke(taskId, previewId) {
      const link = links.get(previewId);
      if (link?.taskId !== taskId) return false;
      links.set(previewId, { ...link, isRevoked: true });
      return true;
    },
    hasOpen: async (now) => [...links.values()].some((link) => isOpen(link, now)),
  };
}
