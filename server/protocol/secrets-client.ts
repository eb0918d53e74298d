import type * as z from 'zod';
import { RelayError } from './client.ts';
import { ErrorBody } from './errors.ts';
import { type PutSecret, SecretList, SecretStored } from './secrets.ts';

export type SecretsClient = ReturnType<typeof createSecretsClient>;

const ANSWER_MS = 30_000;

/** The relay's secrets as functions; every failure is a `RelayError`. A value goes into a body, and nowhere else. */
export function createSecretsClient(relay: { url: string; token: string; fetch?: typeof fetch }) {
  const base = `${relay.url.replace(/\/+$/, '')}/v1/secrets`;
  const doFetch = relay.fetch ?? fetch;

  async function request(path: string, method: 'GET' | 'PUT' | 'DELETE', json?: unknown): Promise<unknown> {
    const init: RequestInit = {
      method,
      headers: {
        authorization: `Bearer ${relay.token}`,
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      signal: AbortSignal.timeout(ANSWER_MS),
    };
    const answer = await doFetch(base + path, init).catch((cause: unknown) => {
      throw new RelayError('unreachable', `The relay at ${relay.url} cannot be reached.`, {
        nextAction: 'Check that the relay runs and that its address is right, then try again.',
        cause,
      });
    });
    const body: unknown = await answer.json().catch(() => undefined);
    if (!answer.ok) throw refusal(answer.status, body);
    return body;
  }

  return {
    list: async (): Promise<SecretList> => understood(SecretList, await request('', 'GET')),
    put: async (name: string, secret: PutSecret): Promise<SecretStored> =>
      understood(SecretStored, await request(`/${encodeURIComponent(name)}`, 'PUT', secret)),
    /** Refused with `not_found` where there is none of that name. */
    remove: async (name: string): Promise<void> => {
      await request(`/${encodeURIComponent(name)}`, 'DELETE');
    },
  };
}

function understood<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RelayError(
    'incompatible_client',
    'The relay answered something that this version does not understand.',
    {
      nextAction: 'Update Handoff so that editor and relay are of the same version, then restart the relay.',
      cause: parsed.error,
    },
  );
}

function refusal(status: number, body: unknown): RelayError {
  const parsed = ErrorBody.safeParse(body);
  if (!parsed.success) {
    return new RelayError(status === 401 ? 'unauthorized' : 'internal', `The relay answered ${status}.`, {
      status,
      nextAction: 'Check that the address is that of a Handoff relay; its log has the details.',
    });
  }
  const { code, message, nextAction, requestId } = parsed.data;
  return new RelayError(code, message, {
    status,
    requestId,
    ...(nextAction === undefined ? {} : { nextAction }),
  });
}
