/** Where a link in a model's answer goes; null where it goes nowhere that is safe to follow. */
export type LinkTarget =
  | { kind: 'external'; url: string }
  | { kind: 'file'; path: string; line: number | null };

/**
 * `http`, `https` and `mailto` leave the editor; what has no scheme is a file of the repository, with a line as in
 * `src/a.ts#L10` or `src/a.ts:10`. Everything else (`javascript:`, `data:`, `command:`, `//host`) is no link.
 */
export function link(href: string): LinkTarget | null {
  const target = removeControls(href);
  if (/^(https?:\/\/|mailto:)/i.test(target)) return { kind: 'external', url: target };
  const [, path = '', hash, colon] = /^([^#?]+?)(?:#L(\d+)\S*|:(\d+)(?:[:-]\d+)?)?$/.exec(target) ?? [];
  const file = decode(path);
  if (file === '' || file.startsWith('//') || /[:\\]/.test(file) || file.split('/').includes('..'))
    return null;
  const line = Number(hash ?? colon ?? 0);
  return { kind: 'file', path: file.replace(/^\.?\//, ''), line: line >= 1 ? line : null };
}

/** Browsers ignore control characters and spaces in a scheme, so they must not hide one. */
const removeControls = (href: string) => href.trim().replace(/[\u0000-\u001f\u007f]/g, '');

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
