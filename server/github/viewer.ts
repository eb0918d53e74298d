import type { Person } from '../protocol/commands.ts';
import { type Api, connect, failureOf } from './api.ts';

/**
 * The owner of the token, as commits name them: by their public address, else by GitHub's no-reply one, which counts as theirs and
 * is never refused for privacy.
 */
export async function getViewer({ apiUrl, token, signal }: Api): Promise<Person & { login: string }> {
  try {
    const api = connect({ apiUrl, token, ...(signal === undefined ? {} : { signal }) });
    const { login, id, name, email } = (await api.request('GET /user')).data;
    return {
      login,
      // Git's own delimiters cannot be part of a name.
      name: (name ?? '').replace(/[<>\n\0]/g, '').trim() || login,
      email: email?.trim() || `${id}+${login}@users.noreply.github.com`,
    };
  } catch (error) {
    throw failureOf(error, signal);
  }
}
