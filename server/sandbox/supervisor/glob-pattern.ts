import { SandboxError } from '../sandbox.ts';

/** Longer patterns are a mistake, and could make a slow regular expression. */
const MAX_PATTERN = 1_000;
const MAX_STARS = 20;

/**
 * A glob as a test of relative paths. `*` and `?` stay within a name, `**` crosses folders, `[ab]`, `[!a]` and `{a,b}`
 * as in a shell; a pattern without a slash matches names at any depth, as in `.gitignore`.
 * @throws SandboxError `bad-pattern`
 */
export function globTest(pattern: string): (path: string) => boolean {
  const trimmed = pattern.replace(/^\.?\/+/, '');
  if (trimmed === '') throw bad(pattern, 'it is empty');
  if (trimmed.length > MAX_PATTERN) throw bad(pattern, `it is longer than ${MAX_PATTERN} characters`);
  if (trimmed.split('*').length > MAX_STARS) throw bad(pattern, `it has more than ${MAX_STARS} stars`);
  const anywhere = trimmed.includes('/') || pattern.startsWith('/') ? '' : '(?:.*/)?';
  const source = translate(trimmed, pattern);
  try {
    const expression = new RegExp(`^${anywhere}${source}$`, 'su');
    return (path) => expression.test(path);
  } catch (error) {
    throw bad(pattern, error instanceof Error ? error.message : String(error));
  }
}

/** Whether a glob is about file names only, so that ripgrep's file types can do the filtering. */
export function isNameGlob(pattern: string): boolean {
  return /^[\w.*?{},-]+$/.test(pattern) && !pattern.includes('**');
}

function translate(glob: string, whole: string): string {
  let source = '';
  let braces = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const rest = glob.slice(at);
    const character = glob.charAt(at);
    if (/^\*\*\//.test(rest) && (at === 0 || glob.charAt(at - 1) === '/')) {
      source += '(?:.*/)?';
      at += 2;
    } else if (rest === '**') {
      source += '.*';
      at += 1;
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const set = /^\[(!|\^)?(\]?[^\]]*)\]/.exec(rest);
      if (set === null) throw bad(whole, 'a "[" is not closed');
      source += `(?!/)[${set[1] === undefined ? '' : '^'}${(set[2] ?? '').replace(/[\\\]^[&|~]/g, '\\$&')}]`;
      at += set[0].length - 1;
    } else if (character === '{') {
      braces += 1;
      source += '(?:';
    } else if (character === '}' && braces > 0) {
      braces -= 1;
      source += ')';
    } else if (character === ',' && braces > 0) source += '|';
    else if (character === '\\' && at + 1 < glob.length) {
      at += 1;
      source += literal(glob.charAt(at));
    } else source += literal(character);
  }
  if (braces > 0) throw bad(whole, 'a "{" is not closed');
  return source;
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, (special) => (special === '-' ? '-' : `\\${special}`));
}

function bad(pattern: string, why: string): SandboxError {
  return new SandboxError('bad-pattern', `"${pattern.slice(0, 200)}" is not a valid glob: ${why}.`);
}
