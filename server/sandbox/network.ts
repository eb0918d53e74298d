const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
const DOMAIN = new RegExp(`^(\\*\\.)?(${LABEL}\\.)*${LABEL}$`);
/** An address in figures is no name: a list of names cannot be told apart from one of private networks otherwise. */
const ADDRESS = /^[\d.]+$/;

/** Whether `text` may stand in a list of allowed domains: a host name in lower case, or `*.` and one, for every name below it. */
export function isDomainPattern(text: string): boolean {
  return text.length <= 253 && DOMAIN.test(text) && !ADDRESS.test(text);
}
