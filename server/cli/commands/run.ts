import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { captureSource } from '../../protocol/capture.ts';
import { CaptureError } from '../../protocol/capture-git.ts';
import type { RelayClient } from '../../protocol/client.ts';
import { applyTree } from '../apply-tree.ts';
import { readArguments, readSeconds } from '../arguments.ts';
import { captureReport } from '../capture-report.ts';
import { CliError, type Command, type Terminal, UsageError } from '../command.ts';
import { followTask } from '../follow-task.ts';
import { captureDeps } from '../git.ts';
import { ensureRelay } from '../local-relay.ts';
import { MODEL_ADVICE } from '../model-settings.ts';
import { printable } from '../progress.ts';
import { applyReport } from './tasks-apply.ts';

interface Options {
  prompt: string;
  repo: string;
  apply: boolean;
  /** Uncommitted files that travel although they look like secrets, as paths in the repository. */
  include: string[];
  uncommitted: boolean;
  /** A plan first, which the person approves. */
  plan: boolean;
  json: boolean;
  model: string | undefined;
  timeoutSeconds: number | undefined;
}

/** Ended with the person gone: the shells' number for Ctrl-C. */
const LEFT = 130;

/** Delegates from a terminal: the task's whole life in front of the person, from the prompt to the diff. */
export const run: Command = async (args, terminal) => {
  const options = readOptions(args, terminal.cwd);
  const { client } = await ensureRelay(terminal.env, () => terminal.err('Starting the relay ...\n'));
  if (!(await client.ready()).modelConfigured) throw new CliError('No model is configured.', MODEL_ADVICE);

  const { repo: folder, include, uncommitted } = options;
  const capture = await captureSource(captureDeps, { folder, include, uncommitted }).catch(
    (error: unknown) => {
      throw error instanceof CaptureError ? new CliError(error.message, error.nextAction, error) : error;
    },
  );
  terminal.err(captureReport(capture, include));
  const { taskId, turnId } = await client.createTask({
    clientId: randomUUID(),
    prompt: options.prompt,
    source: capture.source,
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.plan ? { mode: 'plan' as const } : {}),
  });

  const ended = await followTask(client, { taskId, turnId }, options, terminal);
  if (ended === undefined) {
    terminal.err(`\nLeft task ${taskId} to the relay: npm start -- tasks ${taskId}\n`);
    return LEFT;
  }
  const patch = await client.patch(taskId);
  if (!options.json) {
    const text = new TextDecoder().decode(patch);
    terminal.out(terminal.errIsTty ? printable(text) : text);
  }
  if (ended.outcome !== 'completed') {
    const { message, nextAction } = ended.error ?? { message: `The task was ${ended.outcome}.` };
    throw new CliError(`${message} (task ${taskId})`, nextAction);
  }
  if (patch.byteLength === 0) terminal.err('The agent changed nothing.\n');
  else if (options.apply) return applyTo(client, capture.toplevel, taskId, terminal);
  return 0;
};

function readOptions(args: string[], cwd: string): Options {
  const { values, positionals } = readArguments(args, {
    repo: { type: 'string', default: '.' },
    apply: { type: 'boolean', default: false },
    include: { type: 'string', multiple: true, default: [] as string[] },
    'no-uncommitted': { type: 'boolean', default: false },
    plan: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    model: { type: 'string' },
    timeout: { type: 'string' },
  });
  const [prompt, ...more] = positionals;
  if (prompt === undefined || prompt.trim() === '') {
    throw new UsageError('run needs the task in words: run "<prompt>" --repo DIR');
  }
  if (more.length > 0) throw new UsageError(`put the prompt into quotes; "${more[0]}" came after it`);
  const repo = path.resolve(cwd, values.repo);
  try {
    return {
      ...{ prompt, apply: values.apply, json: values.json, model: values.model, include: values.include },
      uncommitted: !values['no-uncommitted'],
      plan: values.plan,
      repo: realpathSync(repo),
      timeoutSeconds: readSeconds(values.timeout, '--timeout'),
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--repo ${repo} is not a folder that can be read`);
  }
}

async function applyTo(
  client: RelayClient,
  toplevel: string,
  taskId: string,
  { err }: Terminal,
): Promise<number> {
  const applied = await applyTree(client, { taskId, toplevel });
  err(applyReport(applied, toplevel));
  if (applied.conflicts.length > 0) err(`All of it stays for review as task ${taskId}.\n`);
  return applied.conflicts.length === 0 ? 0 : 1;
}
