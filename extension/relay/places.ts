import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { createRelayClient } from '../../server/protocol/client.ts';
import { dataDir } from '../../server/protocol/locations.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import type { ConnectionDeps } from './connection.ts';
import { findLocalRelay, type RelayAddress, startLocalRelay } from './local-relay.ts';
import { chooseNode, type NodeProgram } from './node-program.ts';
import { installRuntime, isInstalled, runtimePackages } from './runtime.ts';

/** The folder in which the relay of this machine keeps its things. */
export function relayDataDir(): string {
  return dataDir({ env: process.env, platform: process.platform, homedir: homedir() });
}

/** The address of a relay that the person set; nothing where the local one is meant. */
export function configuredUrl(): string | undefined {
  return vscode.workspace.getConfiguration('handoff').get<string>('relayUrl')?.trim() || undefined;
}

/** The name under which a relay's token is in the secret storage. */
export function tokenKey(url: string): string {
  return `handoff.relayToken:${new URL(url).origin}`;
}

/**
 * Which relay this window talks to: the one that was set, with its token from the secret storage; else the one of this
 * machine, whose token only this user can read from its data folder. That one is started where it does not run.
 */
export function relayPlaces(context: vscode.ExtensionContext): Pick<ConnectionDeps, 'find' | 'start'> {
  return {
    async find() {
      const url = configuredUrl();
      if (url === undefined) return findLocalRelay(relayDataDir(), process.env);
      const address = await configured(url, context.secrets);
      const alive = await createRelayClient(address)
        .health()
        .catch(() => undefined);
      return alive && address;
    },
    async start(signal) {
      const url = configuredUrl();
      // Not ours to start: what is wrong with it shows when it is used.
      if (url !== undefined) return configured(url, context.secrets);
      const { root, node, runtimeDir } = await prepared(context, signal);
      return vscode.window.withProgress(
        { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Starting the Handoff relay') },
        () =>
          startLocalRelay({
            dataDir: relayDataDir(),
            node,
            script: path.join(root, 'dist', 'relay.mjs'),
            env: { HANDOFF_RUNTIME: runtimeDir, ...process.env },
            signal,
          }),
      );
    },
  };
}

async function configured(url: string, secrets: vscode.SecretStorage): Promise<RelayAddress> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ExpectedError(
      'bad_request',
      vscode.l10n.t('The setting "handoff.relayUrl" is not an http(s) address: {0}', url),
      vscode.l10n.t('Correct it, or empty it to use the relay of this machine.'),
    );
  }
  const token = await secrets.get(tokenKey(url));
  if (token) return { url, token };
  throw new ExpectedError(
    'unauthorized',
    vscode.l10n.t('The relay at {0} needs a token.', url),
    vscode.l10n.t('Run "Handoff: Set Relay Token".'),
  );
}

/** What runs the relay, installed first where this is a packaged extension and it was not yet. */
async function prepared(
  context: vscode.ExtensionContext,
  signal: AbortSignal,
): Promise<{ root: string; node: NodeProgram; runtimeDir: string }> {
  const root = process.env['HANDOFF_HOME'] || context.extensionPath;
  const runtimeDir = path.join(context.globalStorageUri.fsPath, 'runtime');
  if (root === context.extensionPath && !existsSync(path.join(root, 'node_modules'))) {
    await ensureRuntime(context, runtimeDir, signal);
  }
  const node = chooseNode({
    setting: vscode.workspace.getConfiguration('handoff').get<string>('nodePath') ?? '',
    extensionDir: root,
    runtimeDir,
    env: process.env,
    execPath: process.execPath,
    version: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    exists: existsSync,
  });
  if (node) return { root, node, runtimeDir };
  throw new ExpectedError(
    'not_ready',
    vscode.l10n.t('There is no Node.js 22 or newer to run the relay with.'),
    vscode.l10n.t('Install Node.js 24 and set "handoff.nodePath" to its path.'),
  );
}

async function ensureRuntime(
  context: vscode.ExtensionContext,
  runtimeDir: string,
  signal: AbortSignal,
): Promise<void> {
  const manifest: { optionalDependencies?: Record<string, string> } = context.extension.packageJSON;
  const packages = runtimePackages({
    pinned: manifest.optionalDependencies ?? {},
    platform: process.platform,
    arch: process.arch,
    version: process.versions.node,
  });
  if (isInstalled(runtimeDir, packages)) return;
  await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Handoff: installing its database (once)'),
      cancellable: true,
    },
    async (_progress, cancellation) => {
      const cancel = new AbortController();
      cancellation.onCancellationRequested(() =>
        cancel.abort(new Cancelled('The installation was cancelled.')),
      );
      await installRuntime(runtimeDir, packages, AbortSignal.any([signal, cancel.signal]));
    },
  );
}
