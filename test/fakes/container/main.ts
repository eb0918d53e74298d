// A double of `docker` and `podman`: takes their commands word by word, refuses what they would, and runs what a container would run.
// Beside it lies what it remembers: `kind` (which of the two it is), `calls.jsonl` (all that was asked), and
// `faults.json` (how commands fail: `{"pull": {"code": 1, "err": "…"}}`). The next call of a command waits where there is
// `hold-COMMAND`, which it makes `held-COMMAND`, until that is gone.
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, Refused } from './arguments.ts';
import { type Answer, COMMANDS } from './commands.ts';
import { stateIn } from './state.ts';

const root = import.meta.dirname;
const words = process.argv.slice(2);
const grouped = words[0] === 'container' || words[0] === 'image';
const command = words.slice(0, grouped ? 2 : 1).join(' ');

function readIfThere(name: string): string | undefined {
  try {
    return fs.readFileSync(join(root, name), 'utf8');
  } catch {
    return undefined;
  }
}

async function held(): Promise<void> {
  const name = command.replaceAll(' ', '-');
  try {
    fs.renameSync(join(root, `hold-${name}`), join(root, `held-${name}`));
  } catch {
    return; // Nobody asked for it, or another call is held.
  }
  while (fs.existsSync(join(root, `held-${name}`))) await sleep(5);
}

async function answer(): Promise<Answer> {
  if (command === '--version') {
    const isPodman = readIfThere('kind')?.trim() === 'podman';
    return { out: isPodman ? 'podman version 5.4.2\n' : 'Docker version 28.2.2, build e6534b4\n' };
  }
  fs.appendFileSync(join(root, 'calls.jsonl'), `${JSON.stringify(words)}\n`);
  await held();
  const faults = JSON.parse(readIfThere('faults.json') ?? '{}') as Record<string, Answer>;
  const fault = faults[command] ?? faults['*'];
  if (fault !== undefined) return fault;
  try {
    const parsed = parse(command, words.slice(grouped ? 2 : 1));
    return (await COMMANDS[command]?.(parsed, stateIn(root))) ?? {};
  } catch (error) {
    if (error instanceof Refused) return { code: 125, err: `${error.message}\n` };
    throw error;
  }
}

const { code = 0, out = '', err = '' } = await answer();
fs.writeSync(2, err);
if (out !== '') fs.writeSync(1, out);
process.exitCode = code;
