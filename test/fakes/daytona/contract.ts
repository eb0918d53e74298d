import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';

/** The vendor's published descriptions, which are not part of this repository. */
const FOLDER = new URL('../../../../shared/contracts/daytona/', import.meta.url);

export const CONTRACTS_ARE_HERE = existsSync(new URL('api.json', FOLDER));

export interface Contract {
  /**
   * Checks an answer against the description.
   * @returns what is wrong, empty where nothing is, or where the descriptions are not here
   */
  check(request: { method: string; path: string }, status: number, body: unknown): string[];
}

interface Described {
  schema?: object;
  content?: Record<string, { schema?: object }>;
}

/** @param name of the description */
export function loadContract(name: 'api' | 'toolbox'): Contract {
  const file = fileURLToPath(new URL(`${name}.json`, FOLDER));
  if (!existsSync(file)) return { check: () => [] };
  const document: { paths: Record<string, Record<string, { responses: Record<string, Described> }>> } =
    JSON.parse(readFileSync(file, 'utf8'));
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(document, name);

  return {
    check({ method, path }, status, body) {
      const operation = Object.entries(document.paths).find(
        ([template, methods]) => method.toLowerCase() in methods && matches(template, path),
      )?.[1][method.toLowerCase()];
      if (operation === undefined) return [`${method} ${path} is not in the description`];
      const described = operation.responses[status];
      // Not every operation lists its failures; those that do, list their shape.
      if (described === undefined)
        return status >= 400 ? [] : [`${method} ${path} does not answer ${status}`];
      const schema = described.schema ?? Object.values(described.content ?? {})[0]?.schema;
      if (schema === undefined) return [];
      const validate = ajv.compile(within(schema, name));
      if (validate(body)) return [];
      return (validate.errors ?? []).map(
        ({ instancePath, message }) => `${method} ${path} ${status}: ${instancePath} ${message}`,
      );
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

/** A schema whose references lead into the description that it is from. */
function within(schema: object, name: string): object {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' && value.startsWith('#') ? `${name}${value}` : value,
  );
  return JSON.parse(text);
}
