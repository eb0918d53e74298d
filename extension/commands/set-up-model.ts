import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { isEndpoint, readModelConfig, writeModelConfig } from '../relay/model-config.ts';
import { configuredUrl, relayDataDir } from '../relay/places.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';

/** What is given is not asked. */
export interface ModelArguments {
  baseUrl?: string;
  model?: string;
  apiKey?: string;
}

/**
 * `handoff.setUpModel`: which model the relay of this machine uses, and the key to it. The relay reads it by itself.
 * @returns whether the relay now says that it has a model
 */
export function setUpModel(app: App) {
  return async (given: ModelArguments = {}): Promise<{ modelConfigured: boolean }> => {
    if (configuredUrl() !== undefined) {
      throw new ExpectedError(
        'conflict',
        vscode.l10n.t('The relay that is set in "handoff.relayUrl" has its own model.'),
        vscode.l10n.t('Ask who runs that relay, or empty the setting to use the relay of this machine.'),
      );
    }
    const now = await readModelConfig(relayDataDir());
    const baseUrl =
      given.baseUrl ??
      (await ask({
        prompt: vscode.l10n.t('Address of an OpenAI-compatible endpoint'),
        placeHolder: 'https://api.example.com/v1',
        value: now.baseUrl,
        validateInput: (text) =>
          isEndpoint(text.trim())
            ? undefined
            : vscode.l10n.t('An http(s) address without a user name, please.'),
      }));
    const model =
      given.model ??
      (await ask({
        prompt: vscode.l10n.t('Name of the model'),
        value: now.model,
        validateInput: (text) => (text.trim() === '' ? vscode.l10n.t('A model has a name.') : undefined),
      }));
    const apiKey =
      given.apiKey ??
      (await ask({
        prompt: vscode.l10n.t('API key; empty where the endpoint needs none'),
        password: true,
      }));
    await writeModelConfig(relayDataDir(), {
      HANDOFF_MODEL_BASE_URL: baseUrl.trim(),
      HANDOFF_MODEL: model.trim(),
      HANDOFF_MODEL_API_KEY: apiKey.trim(),
    });
    const { modelConfigured } = await app.setup.refresh();
    return { modelConfigured };
  };
}

async function ask(options: vscode.InputBoxOptions): Promise<string> {
  const title = vscode.l10n.t('Set Up Model');
  const answer = await vscode.window.showInputBox({ title, ignoreFocusOut: true, ...options });
  if (answer === undefined) throw new Cancelled();
  return answer;
}
