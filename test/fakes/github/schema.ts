import { readFile } from 'node:fs/promises';
import { Ajv, type ValidateFunction } from 'ajv';
import { isObject } from '../http.ts';

interface Operation {
  id: string;
  method: string;
  /** With placeholders: `/repos/{owner}/{repo}`. */
  path: string;
  request?: object;
  /** By status; null where GitHub sends no body. */
  responses: Record<string, object | null>;
}

/** The part of GitHub's own OpenAPI description that Handoff uses. */
export interface GitHubSchema {
  /**
   * Checks a body against GitHub's description.
   * @param path without prefix and query
   * @param status of the response that the body is of; absent: it is the request's body
   * @returns what is wrong, empty where nothing is
   */
  check(method: string, path: string, body: unknown, status?: number): string[];
}

const FORMATS = {
  uri: (text: string) => URL.canParse(text),
  email: /^[^@\s]+@[^@\s]+$/,
  'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/,
  'repo.nwo': /^[^/]+\/[^/]+$/,
  int64: true,
} as const;

export async function loadGitHubSchema(): Promise<GitHubSchema> {
  const file = new URL('../../fixtures/github/openapi.json', import.meta.url);
  const { operations } = JSON.parse(await readFile(file, 'utf8')) as { operations: Operation[] };
  const ajv = new Ajv({ strict: false, allErrors: true, formats: FORMATS });
  const compiled = new Map<object, ValidateFunction>();
  const validatorOf = (schema: object) => {
    const validate = compiled.get(schema) ?? ajv.compile(schema);
    compiled.set(schema, validate);
    return validate;
  };
  /** Every refusal has this shape, on operations too that do not list its status. */
  const errorSchema = operations.find(({ id }) => id === 'users/get-authenticated')?.responses['401'];

  return {
    check: (method, path, body, status) => {
      const operation = operations.find(
        (candidate) => candidate.method === method && matches(candidate.path, path),
      );
      if (operation === undefined) return [`${method} ${path} is not in the description`];
      const described =
        status === undefined
          ? operation.request
          : (operation.responses[status] ?? (status >= 400 && errorSchema));
      if (!isObject(described))
        return [`${operation.id} has no ${status ?? 'request'} body in the description`];
      const validate = validatorOf(described);
      if (validate(body)) return [];
      return (validate.errors ?? []).map((error) => `${operation.id}${error.instancePath}: ${error.message}`);
    },
  };
}

function matches(template: string, path: string): boolean {
  const wanted = template.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length && wanted.every((part, i) => part.startsWith('{') || part === given[i])
  );
}
