import type { Asking } from './asking.ts';
import { type ArmUnattended, Unattended } from './unattended.ts';

/** The calls of the relay's client that are about pull requests which it opens by itself. */
export function unattendedCalls({ task, request, read }: Asking) {
  const at = (id: string): string => task(id, '/unattended');
  return {
    /** @param githubToken the person's own, left for this one task; it goes into a header and nowhere else. */
    armUnattended: (id: string, body: ArmUnattended, githubToken: string) =>
      read(Unattended, at(id), {
        method: 'PUT',
        json: body,
        headers: { 'x-github-token': githubToken },
      }),
    unattended: (id: string) => read(Unattended, at(id)),
    /** Destroys the token. */
    disarmUnattended: async (id: string): Promise<void> => {
      await request(at(id), { method: 'DELETE' });
    },
  };
}
