import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { CliError } from './command.ts';
import type { Editor, EditorOptions } from './editor.ts';
import { packageRoot } from './package-root.ts';
import { startService } from './services.ts';

/** Tried first, so that a browser finds its settings and the person's bookmark again; any other where it is taken. */
const USUAL_PORT = 7421;

/** What `test/vscode/setup.ts` of a clone does: it is no part of the bundle. */
const Setup = z.object({ ensureVsCode: z.custom<EnsureVsCode>((value) => typeof value === 'function') });
type EnsureVsCode = (say: (line: string) => void) => Promise<unknown>;
const VsCode = z.object({ node: z.string(), serverMain: z.string(), builtinExtensions: z.string() });

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'extensions.autoUpdate': false,
};

/**
 * VS Code's own server from npm, on loopback and behind a token: who opens the address has a terminal of this account.
 * @throws {CliError} outside a clone, or where it cannot be installed or started
 */
export async function openBrowserEditor(options: EditorOptions): Promise<Editor> {
  const vscode = await findServer(options.say);
  const { stateDir, folder, env, extensions = [], isThrowaway = false } = options;
  writeSettings(stateDir, isThrowaway);
  const session = await mkdtemp(path.join(tmpdir(), 'handoff-vscode-'));
  const close = () => rm(session, { recursive: true, force: true });
  try {
    const token = randomBytes(24).toString('base64url');
    const tokenFile = path.join(session, 'token');
    await writeFile(tokenFile, token, { mode: 0o600 });
    // A double of the GitHub sign-in takes the place of the real one.
    const signIn = path.join(path.dirname(vscode.serverMain), '../extensions/github-authentication');
    const own = [packageRoot(), ...(extensions.length > 0 ? extensions : [signIn])];
    const builtin = await linkExtensions(path.join(session, 'extensions'), vscode.builtinExtensions, own);
    const port = isThrowaway || !(await isFree(USUAL_PORT)) ? 0 : USUAL_PORT;
    const service = await startService({
      name: 'VS Code server',
      command: vscode.node,
      argv: [
        ...[vscode.serverMain, '--accept-server-license-terms', '--disable-telemetry'],
        ...['--host', '127.0.0.1', '--port', String(port), '--connection-token-file', tokenFile],
        ...['--server-data-dir', stateDir, '--extensions-dir', path.join(stateDir, 'extensions')],
        ...['--builtin-extensions-dir', builtin],
      ],
      env,
      announces: /^Extension host agent listening on (\d+)/,
    });
    return {
      kind: 'browser',
      url: `http://127.0.0.1:${service.announced}/?${new URLSearchParams({ tkn: token, folder })}`,
      ended: service.ended,
      close: async () => {
        await service.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What VS Code brings, and Handoff with it as this clone has it: every window has it at once, and nothing is installed.
 * @returns the folder for `--builtin-extensions-dir`
 */
async function linkExtensions(target: string, builtin: string, own: string[]): Promise<string> {
  await mkdir(target);
  const brought = (await readdir(builtin)).map((name) => path.join(builtin, name));
  for (const folder of [...brought, ...own]) {
    await symlink(await realpath(folder), path.join(target, path.basename(folder)));
  }
  return target;
}

async function findServer(say: (line: string) => void): Promise<z.infer<typeof VsCode>> {
  const setup = path.join(packageRoot(), 'test/vscode/setup.ts');
  if (!existsSync(setup)) {
    throw new CliError(
      'There is no `code` on the path, and VS Code from npm comes with a clone of Handoff only.',
      'Install VS Code (https://code.visualstudio.com) with its `code` command.',
    );
  }
  const { ensureVsCode } = Setup.parse(await import(pathToFileURL(setup).href));
  try {
    return VsCode.parse(await ensureVsCode(say));
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), undefined, error);
  }
}

/** Only where there are none yet: afterwards they are the person's. */
function writeSettings(stateDir: string, isThrowaway: boolean): void {
  const folder = path.join(stateDir, 'data/User');
  const file = path.join(folder, 'settings.json');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (existsSync(file)) return;
  const settings = isThrowaway ? { ...SETTINGS, 'security.workspace.trust.enabled': false } : SETTINGS;
  writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
