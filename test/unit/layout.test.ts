import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The house rules of AGENTS.md that can be read off the source: who may import whom, and what a file looks like. */

interface SourceFile {
  /** From the repository's root, forward slashes. */
  path: string;
  text: string;
}
interface Import {
  /** A package's name, or a path from the root for a relative import. */
  target: string;
  typeOnly: boolean;
}
interface Rule {
  /** The files that it is about. */
  from: RegExp;
  /** Says why an import is refused, or nothing. */
  refuses(found: Import): string | undefined;
}

const MAX_LINES = 400;
const MAX_AGENTS_LINES = 120;
const FOLDERS = ['extension', 'webview-ui', 'server', 'test'];
const TOP_LEVEL = [
  ...FOLDERS,
  ...['AGENTS.md', 'README.md', 'CHANGELOG.md', 'LICENSE', 'lessons-learned.md', 'package.json'],
  // VS Code looks for the manifest's texts beside the manifest.
  ...['package.nls.json', 'package-lock.json', 'esbuild.mjs', 'tsconfig.json', 'biome.json'],
];
/** What Git ignores at the top level. */
const IGNORED = /^(node_modules|dist|.*\.vsix|.*\.log|\..*)$/;

const PURE =
  /^(server\/protocol\/(reduce(-review|-agents)?|items|hunks|compose|ledger|merge|place-now)|extension\/apply\/merge-plan|server\/agent\/(prompt|progress|ids|watch\/(watch|limits)))\.ts$/;
const isRelativeTo = (folder: string, target: string) => target.startsWith(`${folder}/`);
const isOurs = (target: string) => FOLDERS.some((folder) => isRelativeTo(folder, target));
const isNode = (target: string) => target.startsWith('node:');

/** The import table of AGENTS.md; a row refuses, and what no row refuses is allowed. */
const IMPORT_TABLE: Rule[] = [
  {
    from: PURE,
    refuses: ({ target, typeOnly }) =>
      typeOnly || PURE.test(target) || target === 'diff'
        ? undefined
        : 'a pure file imports only types, other pure files and diff',
  },
  {
    from: /^server\/protocol\//,
    refuses: ({ target }) =>
      isRelativeTo('server/protocol', target) || ['zod', 'diff', 'eventsource-parser'].includes(target)
        ? undefined
        : 'server/protocol imports only itself, zod, diff and eventsource-parser',
  },
  {
    from: /^server\//,
    refuses: ({ target }) => {
      if (target === 'vscode') return 'server never imports vscode';
      if (isOurs(target) && !isRelativeTo('server', target))
        return 'server imports nothing of the other folders';
      return undefined;
    },
  },
  {
    from: /^server\/agent\//,
    refuses: ({ target }) =>
      /^(server\/(http|sandbox\/(local|daytona|container|supervis\w+))\/|@daytona|@dbos-inc\/|hono$|@hono\/|pg$)/.test(
        target,
      )
        ? 'server/agent knows no sandbox vendor, no http and no SQL'
        : undefined,
  },
  {
    from: /^extension\//,
    refuses: ({ target }) =>
      isOurs(target) && !isRelativeTo('extension', target) && !isRelativeTo('server/protocol', target)
        ? 'extension imports itself and server/protocol'
        : undefined,
  },
  {
    from: /^webview-ui\//,
    refuses: ({ target, typeOnly }) => {
      if (target === 'vscode' || isNode(target) || target === 'zod')
        return `webview-ui never imports ${target}`;
      if (!isOurs(target) || isRelativeTo('webview-ui', target)) return undefined;
      if (target === 'server/protocol/reduce.ts') return undefined;
      if (!isRelativeTo('server/protocol', target) && target !== 'extension/chat/messages.ts')
        return 'webview-ui imports itself, server/protocol and extension/chat/messages.ts';
      return typeOnly ? undefined : 'webview-ui takes only types from there (`import type`), besides reduce';
    },
  },
];

/** Code without its comments, and without its strings where `strings` is false. Lines stay where they are. */
function stripped(text: string, { strings }: { strings: boolean }): string {
  const blank = (match: string) => match.replace(/[^\n]/g, ' ');
  return text.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
    (match) => (match.startsWith('/') || !strings ? blank(match) : match),
  );
}

function importsOf({ path: from, text }: SourceFile): Import[] {
  const code = stripped(text, { strings: true });
  const statements = code.matchAll(
    /^(?:import|export)\s+(type\s+)?(?:[\w*{][^'"`;]*?from\s*)?['"]([^'"]+)['"]/gm,
  );
  const calls = code.matchAll(/(?<![.\w])import\(\s*['"]([^'"]+)['"]/g);
  return [
    ...[...statements].map(([, type, target = '']) => ({ target, typeOnly: type !== undefined })),
    ...[...calls].map(([, target = '']) => ({ target, typeOnly: false })),
  ].map(({ target, typeOnly }) => ({
    target: target.startsWith('.') ? path.posix.join(path.posix.dirname(from), target) : target,
    typeOnly,
  }));
}

/** Everything that is wrong with one file, as `path: rule`. */
function faultsOf(file: SourceFile): string[] {
  const faults: string[] = [];
  const fault = (rule: string) => faults.push(`${file.path}: ${rule}`);
  const code = stripped(file.text, { strings: false });
  const lines = file.text.replace(/\n$/, '').split('\n').length;

  if (lines > MAX_LINES) fault(`${lines} lines, at most ${MAX_LINES}: split it by idea`);
  if (!file.path.split('/').every((part) => /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(part)))
    fault('names are kebab-case');
  if (file.path.endsWith('.css')) return faults;

  for (const found of importsOf(file)) {
    for (const { from, refuses } of IMPORT_TABLE) {
      const why = from.test(file.path) ? refuses(found) : undefined;
      if (why) fault(`imports ${found.target}: ${why}`);
    }
  }
  if (/^import\s+(?!type\b|\* as z\b)[^;]*?from 'zod'/m.test(stripped(file.text, { strings: true })))
    fault("write `import * as z from 'zod'`: the named import bundles five times as much");
  if (/^export\s+(type\s+)?(\*|\{[^}]*\})[^;]*?\sfrom\s/m.test(code))
    fault('no barrels: import a thing from the file that has it');
  if (/(\bas|:|<)\s*any\b/.test(code)) fault('no `any`: say what it is, or `unknown`');
  if (/@ts-(ignore|nocheck|expect-error)/.test(comments(file.text))) fault('no @ts- suppressions');
  if (/biome-ignore(?!(-\w+)?\s+[\w/]+: \S.{3})/.test(comments(file.text)))
    fault('a biome-ignore names its rule and says why: `biome-ignore lint/x: reason`');
  if (PURE.test(file.path) && /\b(Date\.now|new Date|Math\.random|randomUUID|performance\.now)\b/.test(code))
    fault('a pure file has no clock and no random');
  return faults;
}

/** Only what `stripped` takes away as comments. */
function comments(text: string): string {
  const code = stripped(text, { strings: true });
  return text
    .split('')
    .map((char, index) => (char === code[index] ? ' ' : char))
    .join('');
}

const root = path.resolve(import.meta.dirname, '../..');

function walk(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name.startsWith('.') || name === 'test/fixtures' ? [] : walk(name);
    return /\.(ts|tsx|mjs|css)$/.test(entry.name) ? [name] : [];
  });
}

describe('layout', () => {
  const files = FOLDERS.flatMap(walk).map((name) => ({
    path: name,
    text: readFileSync(path.join(root, name), 'utf8'),
  }));

  it('every source file keeps the house rules', () => {
    assert.ok(files.length > 10, 'found no source: the walk is broken');
    assert.deepEqual(files.flatMap(faultsOf), []);
  });

  it('the top level has nothing but its fixed entries', () => {
    const extra = readdirSync(root).filter((name) => !TOP_LEVEL.includes(name) && !IGNORED.test(name));
    assert.deepEqual(extra, []);
  });

  it('the lock file names what is optional on every platform, or `npm ci` refuses it', () => {
    const text = readFileSync(path.join(root, 'package-lock.json'), 'utf8');
    const { packages } = JSON.parse(text) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const names = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies),
    );
    const locked = Object.keys(packages).map((name) => name.split('node_modules/').at(-1));
    assert.deepEqual(
      names.filter((name) => !locked.includes(name)),
      [],
    );
  });

  it(`AGENTS.md has at most ${MAX_AGENTS_LINES} lines`, () => {
    const lines = readFileSync(path.join(root, 'AGENTS.md'), 'utf8').trimEnd().split('\n').length;
    assert.ok(lines <= MAX_AGENTS_LINES, `it has ${lines}`);
  });
});

/** The checker itself: each sample breaks one rule, or none. A word that must be in the one fault; '' where it is fine. */
const SAMPLES: [file: string, text: string, fault: string][] = [
  ['server/protocol/task.ts', "import * as z from 'zod';\nimport { Oid } from './source.ts';\n", ''],
  ['server/protocol/x.ts', "import { readFile } from 'node:fs/promises';\n", 'imports node:fs/promises'],
  ['server/protocol/x.ts', "import type { A } from '../agent/a.ts';\n", 'imports server/agent/a.ts'],
  ['server/protocol/reduce.ts', "import * as z from 'zod';\n", 'pure file imports only types'],
  ['server/protocol/reduce.ts', 'export const now = () => Date.now();\n', 'no clock'],
  ['server/http/app.ts', "import type { Uri } from 'vscode';\n", 'never imports vscode'],
  [
    'server/cli/x.ts',
    "const x = await import('../../test/fakes/sample.ts');\n",
    'nothing of the other folders',
  ],
  ['server/agent/loop.ts', "import type { Sandbox } from '../sandbox/sandbox.ts';\n", ''],
  ['server/agent/loop.ts', "import { local } from '../sandbox/local/local.ts';\n", 'no sandbox vendor'],
  ['server/agent/tools/x.ts', "import {\n  Pool,\n} from 'pg';\n", 'imports pg'],
  ['extension/main.ts', "import * as vscode from 'vscode';\n", ''],
  ['extension/main.ts', "import { AppError } from '../server/errors.ts';\n", 'imports server/errors.ts'],
  ['webview-ui/app.tsx', "import { reduce } from '../server/protocol/reduce.ts';\n", ''],
  ['webview-ui/app.tsx', "import type { ToHost } from '../extension/chat/messages.ts';\n", ''],
  ['webview-ui/app.tsx', "import { toHost } from '../extension/chat/messages.ts';\n", 'only types'],
  ['webview-ui/app.tsx', "import { TaskState } from '../server/protocol/task.ts';\n", 'only types'],
  ['webview-ui/app.tsx', "import { title } from '../extension/ui/title.ts';\n", 'imports itself'],
  ['webview-ui/app.tsx', "import 'node:path';\n", 'never imports node:path'],
  ['server/x.ts', "import { z } from 'zod';\n", 'import * as z'],
  ['server/x.ts', "export { a } from './a.ts';\n", 'barrels'],
  ['server/x.ts', "export * from './a.ts';\n", 'barrels'],
  ['server/x.ts', 'export const a: any = 1;\n', 'no `any`'],
  ['server/x.ts', 'const a = b as any;\n', 'no `any`'],
  ['server/x.ts', '// one case: any of them\nconst a = "x as any";\n', ''],
  ['server/x.ts', '// @ts-ignore\nconst a = 1;\n', '@ts-'],
  ['server/x.ts', '// biome-ignore lint/x\nconst a = 1;\n', 'biome-ignore'],
  ['server/x.ts', '// biome-ignore lint/suspicious/noX: a caller wants it\nconst a = 1;\n', ''],
  ['server/x.ts', "const a = '🙂';\n// @ts-ignore\nconst b = 1;\n", '@ts-'],
  ['server/someThing.ts', '', 'kebab-case'],
  ['webview-ui/theme.css', '\n'.repeat(401), '401 lines'],
  ['server/long.ts', '\n'.repeat(400), ''],
];

describe('the layout checker', () => {
  for (const [file, text, fault] of SAMPLES) {
    const first = text.trim().split('\n')[0] || `${text.length} lines`;
    it(`${file} with ${first} ${fault ? `is refused: ${fault}` : 'is fine'}`, () => {
      const faults = faultsOf({ path: file, text });
      assert.equal(faults.length, fault ? 1 : 0, faults.join('\n'));
      assert.ok((faults[0] ?? '').includes(fault), faults[0]);
    });
  }
});
