import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openBrowserEditor } from './browser-editor.ts';
import { packageRoot } from './package-root.ts';
import { findProgram } from './programs.ts';

export interface EditorOptions {
  /** The folder to open. */
  folder: string;
  env: Record<string, string | undefined>;
  /** Where an editor that is only Handoff's keeps its state. */
  stateDir: string;
  /** Whether the desktop's VS Code may be used. */
  desktop: boolean;
  /** Folders of further extensions. */
  extensions?: string[];
  /** A demo's: nothing of the person's own VS Code, and the folder is trusted. */
  isThrowaway?: boolean;
  say(line: string): void;
}

export interface Editor {
  kind: 'desktop' | 'browser';
  /** Where a browser finds it. */
  url?: string;
  /** Resolves when it has ended by itself; never for the desktop's, which goes its own ways. */
  ended: Promise<void>;
  close(): Promise<void>;
}

/** Opens VS Code with Handoff in it: the desktop's where there is one, else the one from npm, for the browser. */
export async function openEditor(options: EditorOptions): Promise<Editor> {
  if (options.desktop && (await openDesktop(options))) {
    return { kind: 'desktop', ended: new Promise(() => {}), close: async () => {} };
  }
  return openBrowserEditor(options);
}

/** @returns whether a window was opened */
async function openDesktop(options: EditorOptions): Promise<boolean> {
  const { folder, env, stateDir, extensions = [], isThrowaway, say } = options;
  const code = findProgram('code', env);
  if (code === undefined) return false;
  const development = [packageRoot(), ...extensions].map((path) => `--extensionDevelopmentPath=${path}`);
  // VS Code refuses root without these two; a throwaway one must be a process of its own to see `env`.
  const isRoot = process.getuid?.() === 0;
  const own = isThrowaway || isRoot ? [`--user-data-dir=${stateDir}`] : [];
  const args = [
    ...development,
    ...own,
    ...(isRoot ? ['--no-sandbox'] : []),
    ...(isThrowaway ? ['--disable-workspace-trust', '--skip-welcome'] : []),
    folder,
  ];
  const child = spawn(code, args, {
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = await once(child, 'exit').catch(() => [1]);
  if (status === 0) return true;
  say(`\`code\` is on the path (${code}) but did not open a window; using VS Code from npm instead.`);
  return false;
}
