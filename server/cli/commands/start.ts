import { realpathSync } from 'node:fs';
import path from 'node:path';
import { readArguments } from '../arguments.ts';
import { ask } from '../ask.ts';
import { CliError, type Command, type Terminal, UsageError } from '../command.ts';
import { runDemo } from '../demo.ts';
import { openEditor } from '../editor.ts';
import { interrupted } from '../interrupts.ts';
import { dataDirOf, ensureRelay, type FoundRelay } from '../local-relay.ts';
import { checkBaseUrl, configFile, MODEL_ADVICE, saveModelSettings } from '../model-settings.ts';

/** Brings the relay up and VS Code with it. The relay goes on when this ends. */
export const start: Command = async (args, terminal) => {
  const { values, positionals } = readArguments(args, {
    demo: { type: 'boolean', default: false },
    open: { type: 'boolean', default: true },
    'no-open': { type: 'boolean', default: false },
    folder: { type: 'string' },
  });
  if (positionals.length > 0) throw new UsageError(`start takes options only, not "${positionals[0]}"`);
  const desktop = !values['no-open'];
  if (values.demo) return runDemo(terminal, { desktop });

  const { env, err } = terminal;
  const relay = await ensureRelay(env, () => err('Starting the relay ...\n'));
  err(`The relay serves at ${relay.url}\n`);
  await ensureModel(relay, terminal);

  const folder = folderToOpen(values.folder, terminal);
  const editor = await openEditor({
    folder,
    env,
    stateDir: path.join(dataDirOf(env), 'vscode'),
    desktop,
    say: (line) => err(`${line}\n`),
  });
  const goodbye = 'The relay goes on in the background; stop it with: npm start -- relay --stop\n';
  if (editor.kind === 'desktop') {
    err(`VS Code has opened with Handoff.\n${goodbye}`);
    return 0;
  }
  terminal.out(`vscode ready ${editor.url}\n`);
  err('Open that address in a browser. Ctrl-C ends VS Code.\n');
  await Promise.race([interrupted(), editor.ended]);
  await editor.close();
  err(`\n${goodbye}`);
  return 0;
};

function folderToOpen(option: string | undefined, { cwd }: Terminal): string {
  try {
    return realpathSync(path.resolve(cwd, option ?? '.'));
  } catch {
    throw new UsageError(`--folder ${option} is not a folder that can be read`);
  }
}

/** Asks for a model where there is none and somebody to ask; otherwise says what to set. The editor opens either way. */
async function ensureModel(relay: FoundRelay, terminal: Terminal): Promise<void> {
  if ((await relay.client.ready()).modelConfigured) return;
  const { err, env, canAsk } = terminal;
  err('\nNo model is configured: tasks will not run without one.\n');
  if (!canAsk || !(await askForModel(terminal))) {
    err(`${MODEL_ADVICE}\nThe same keys may stand in ${configFile(env)}.\n\n`);
    return;
  }
  // A running relay reads its settings anew at each call.
  if (!(await relay.client.ready()).modelConfigured) {
    throw new CliError(`The relay does not take the model from ${configFile(env)}.`, MODEL_ADVICE);
  }
}

/** @returns whether settings were saved; an empty first answer means not now */
async function askForModel({ err, env }: Terminal): Promise<boolean> {
  err('An OpenAI-compatible endpoint is needed. Leave the first answer empty to go on without one.\n');
  const url = await ask('  Base URL (such as https://api.example.com/v1): ');
  if (!url) return false;
  const baseUrl = checkBaseUrl(url);
  const model = await ask('  Model: ');
  if (!model) return false;
  const key = await ask('  API key (not shown; empty where none is needed): ', { hidden: true });
  if (key === undefined) return false;
  saveModelSettings(env, {
    HANDOFF_MODEL_BASE_URL: baseUrl,
    HANDOFF_MODEL: model,
    HANDOFF_MODEL_API_KEY: key,
  });
  err(`Saved to ${configFile(env)}, readable by you only.\n`);
  return true;
}
