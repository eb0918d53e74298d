import type { IncomingMessage } from 'node:http';

/** What a token may do. Absent permissions are granted, as to a token of VS Code's sign-in. */
export interface TokenGrant {
  /** OAuth scopes; `user:email` lets the person's addresses be read. */
  scopes: string[];
  contents?: 'read' | 'write';
  pullRequests?: 'read' | 'write';
  /** The organisation wants the token authorised first, at this address. */
  sso?: string;
}

export interface FakeUser {
  login: string;
  id: number;
  name: string | null;
  /** The public address, which most people do not show. */
  email?: string;
  /** All addresses; the first is the primary one. */
  emails?: string[];
  tokens: Record<string, TokenGrant>;
}

/** Who sent a request, by which right. */
export interface Signed {
  user: FakeUser;
  grant: TokenGrant;
}

/** `anonymous` sent no credential, `rejected` one that nobody has. */
export type Identity = Signed | 'anonymous' | 'rejected';

/** Reads `Authorization`: `Bearer` or `token` for the API; `Basic` for Git, where the password, or else the user, is the token. */
export function identify(users: FakeUser[], request: IncomingMessage): Identity {
  const [, scheme, value] = /^(\w+) (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  if (scheme === undefined || value === undefined) return 'anonymous';
  const token = scheme.toLowerCase() === 'basic' ? basicToken(value) : value;
  for (const user of users) {
    const grant = user.tokens[token];
    if (grant !== undefined) return { user, grant };
  }
  return 'rejected';
}

function basicToken(value: string): string {
  const [user = '', ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
  return password.join(':') || user;
}
