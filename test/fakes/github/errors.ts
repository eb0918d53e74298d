const DOCS = 'https://docs.github.com/rest';

/** A refusal with the body that GitHub sends. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly errors: object[] | undefined;
  readonly headers: Record<string, string>;
  constructor(status: number, message: string, errors?: object[], headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }

  get body(): object {
    return {
      message: this.message,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      documentation_url: DOCS,
      status: String(this.status),
    };
  }
}

export const badCredentials = () => new Refusal(401, 'Bad credentials');
export const requiresAuthentication = () => new Refusal(401, 'Requires authentication');
export const notFound = () => new Refusal(404, 'Not Found');
export const notAccessible = () => new Refusal(403, 'Resource not accessible by personal access token');

export const ssoRequired = (address: string) =>
  new Refusal(403, 'Resource protected by organization SAML enforcement.', undefined, {
    'x-github-sso': `required; url=${address}`,
  });

/** What a pull request may not be created with, in GitHub's words. */
export const invalidPull = {
  notSupplied: (fields: string[]) =>
    new Refusal(
      422,
      `Invalid request.\n\n${fields.map((field) => `"${field}"`).join(', ')} weren't supplied.`,
    ),
  missing: (field: string) =>
    new Refusal(422, 'Validation Failed', [{ resource: 'Issue', code: 'missing_field', field }]),
  invalid: (field: 'head' | 'base') =>
    new Refusal(422, 'Validation Failed', [{ resource: 'PullRequest', field, code: 'invalid' }]),
  exists: (label: string) => custom(`A pull request already exists for ${label}.`),
  noCommits: (base: string, head: string) => custom(`No commits between ${base} and ${head}`),
};

const custom = (message: string) =>
  new Refusal(422, 'Validation Failed', [{ resource: 'PullRequest', code: 'custom', message }]);
