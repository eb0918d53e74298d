import * as vscode from 'vscode';
import { createSecretsClient, type SecretsClient } from '../../server/protocol/secrets-client.ts';
import type { App } from '../app.ts';
import type { RelayAddress } from '../relay/local-relay.ts';
import { Cancelled, ExpectedError, toFailure } from '../ui/failure.ts';
import { addSecret } from './add-secret.ts';
import { removeSecret } from './remove-secret.ts';

/** What the commands about secrets work with. */
export interface SecretsApp {
  repositories: App['repositories'];
  /** The relay's secrets, connecting first where need be. */
  client(): Promise<SecretsClient>;
}

const COMMANDS = { 'handoff.addSecret': addSecret, 'handoff.removeSecret': removeSecret };

/** Registers them; failures are shown and answered as those of all commands. @param find where the relay is that answers now */
export function registerSecretCommands(
  app: App,
  find: () => Promise<RelayAddress | undefined>,
): vscode.Disposable {
  const secrets: SecretsApp = {
    repositories: app.repositories,
    async client() {
      await app.connection.client();
      const address = await find();
      if (address) return createSecretsClient(address);
      throw new ExpectedError(
        'not_ready',
        vscode.l10n.t('The relay went away.'),
        vscode.l10n.t('Try again in a moment.'),
      );
    },
  };
  return vscode.Disposable.from(
    ...Object.entries(COMMANDS).map(([name, command]) => {
      const run = command(secrets) as (argument?: unknown) => Promise<unknown>;
      return vscode.commands.registerCommand(name, async (argument?: unknown) => {
        try {
          return await run(argument);
        } catch (error) {
          app.report(error);
          return error instanceof Cancelled ? undefined : { failure: toFailure(error) };
        }
      });
    }),
  );
}
