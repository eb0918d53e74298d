import type { Asking } from './asking.ts';
import { type PutSecret, SecretList, SecretStored } from './secrets.ts';

export type SecretsClient = ReturnType<typeof secretCalls>;

/** The calls of the relay's client that are about secrets. A value goes into a body, and nowhere else. */
export function secretCalls({ request, read }: Pick<Asking, 'request' | 'read'>) {
  const at = (name: string): string => `/v1/secrets/${encodeURIComponent(name)}`;
  return {
    list: () => read(SecretList, '/v1/secrets'),
    put: (name: string, secret: PutSecret) => read(SecretStored, at(name), { method: 'PUT', json: secret }),
    /** Refused with `not_found` where there is none of that name. */
    remove: async (name: string): Promise<void> => {
      await request(at(name), { method: 'DELETE' });
    },
  };
}
