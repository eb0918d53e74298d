import type { ServerResponse } from 'node:http';

/**
 * When the connection of a push breaks: before the host has anything of it (Git asks again by itself), in the middle of an answer, with
 * nothing taken, or after it took all, with its answer lost.
 */
export type PushCut = 'before' | 'amid' | 'after';

/** What the network does to requests. */
export interface Network {
  /** The connection of the next push breaks, and with `offline` nobody gets through afterwards. */
  cutNextPush(when: PushCut, options?: { offline?: boolean }): void;
  /** The host answers the next push by this status, and does nothing for it. */
  failNextPush(status: number): void;
  setOffline(offline: boolean): void;
}

export function createNetwork() {
  let isOffline = false;
  let next: { when: PushCut; offline: boolean } | undefined;
  let failing: number | undefined;
  const network: Network = {
    cutNextPush: (when, { offline = false } = {}) => {
      next = { when, offline };
    },
    failNextPush: (status) => {
      failing = status;
    },
    setOffline: (offline) => {
      isOffline = offline;
    },
  };
  return {
    network,
    /** Whether the connection is dead, or all is said, so that there is nothing to answer. */
    breaks(response: ServerResponse, isPush: boolean): boolean {
      if (isPush && failing !== undefined) {
        response.writeHead(failing).end();
        failing = undefined;
        return true;
      }
      const cut = isPush ? next : undefined;
      if (isPush) next = undefined;
      if (!isOffline && cut === undefined) return false;
      if (cut?.offline) isOffline = true;
      if (cut?.when === 'after') {
        loseAnswer(response);
        return false;
      }
      if (cut?.when === 'amid') {
        response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' });
        response.write('00', () => response.destroy());
      } else response.destroy();
      return true;
    },
  };
}

/** The request is carried out to its end, and nothing of the answer arrives. */
function loseAnswer(response: ServerResponse): void {
  response.writeHead = () => response;
  response.write = () => true;
  response.end = () => {
    response.destroy();
    return response;
  };
}
