import type { Asking } from './asking.ts';
import { BaseStanding, BaseUpdated, type UpdateBase } from './update.ts';

/** Fetching from a far remote, and merging. */
const UPDATE_MS = 300_000;

/** The calls of the relay's client that are about a base that moves on. */
export function updateCalls({ task, read }: Asking) {
  const withToken = (token: string | undefined) =>
    token === undefined ? {} : { headers: { 'x-github-token': token } };
  return {
    /** @param token for a repository that is not public */
    baseStanding: (id: string, token?: string) =>
      read(BaseStanding, task(id, '/update'), { timeoutMs: UPDATE_MS, ...withToken(token) }),
    /** @param token for a repository that is not public */
    updateBase: (id: string, body: UpdateBase, token?: string) =>
      read(BaseUpdated, task(id, '/update'), {
        method: 'POST',
        json: body,
        timeoutMs: UPDATE_MS,
        ...withToken(token),
      }),
  };
}
