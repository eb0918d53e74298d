import { realpathSync } from 'node:fs';
import process from 'node:process';
import { AppError } from '../errors.ts';
import { RelayError } from '../protocol/client.ts';
import { VERSION } from '../version.ts';
import { CliError, type Command, type Terminal, UsageError } from './command.ts';

/** Loaded when used: `--help` needs no engine. */
const commands: Record<string, () => Promise<Command>> = {
  start: async () => (await import('./commands/start.ts')).start,
  relay: async () => (await import('./commands/relay.ts')).relay,
  run: async () => (await import('./commands/run.ts')).run,
  tasks: async () => (await import('./commands/tasks.ts')).tasks,
  secrets: async () => (await import('./commands/secrets.ts')).secrets,
  usage: async () => (await import('./commands/usage.ts')).usage,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
};

const HELP = `Handoff delegates a coding task to a background agent and lets you review what it did.

Usage: npm start [-- <command> [options]]

  (no command)            start the relay and open VS Code with the extension
    --demo                the whole path on a sample repository, with a scripted model and a scripted GitHub
    --no-open             VS Code as a local web address, even where \`code\` is on the path
    --folder DIR          the folder to open
  relay                   run the relay here, until Ctrl-C
    --stop                stop the one that runs in the background
  run "<prompt>"          delegate from this terminal, show progress, print the diff
    --repo DIR            the Git repository (default: this folder)
    --apply               apply the changes to it when the agent has finished
    --include PATH        an uncommitted file that travels although it looks like a secret; more than once for several
    --no-uncommitted      leave all uncommitted work here
    --plan                have a plan made first, which you approve
    --json                one JSON event a line on stdout, and nothing else there
    --model NAME          instead of the configured one
    --timeout SECONDS     stop the task after that
  tasks [ID] [--json]     list tasks, or show one
  tasks answer ID ANSWER  answer what a task asks: an option's number, or words
  tasks export ID FILE    the whole task as a file; --force replaces one that is there
  tasks import FILE       a task that was exported, of this relay or another
  tasks preview ID [PORT] what listens in its sandbox; with a port, a link that shows it in one browser
    --minutes N           how long the link lives (default: 60)
    --revoke              end the links of the port, or of the whole task
  tasks trace ID          what each of its agents did, for how long and with how much; --json
  tasks review ID         its changes hunk by hunk, with what is decided of each; --json
    --accept WHAT         a path, PATH:HUNK, or \`all\`; also --reject and --undo, each more than once
  tasks kept ID [NUMBER]  what its agents made and could not be brought into its workspace; with a number, into the review
  tasks apply ID          bring what is accepted into the working tree, by lines; exit code 1 where there are conflicts
    --repo DIR            the clone (default: this folder); --all for the whole proposal, accepted or not
  tasks pr ID             open a draft pull request with what is accepted, as the owner of GITHUB_TOKEN or of \`gh\`
    --title T --body B    instead of the agent's; --base, --branch; --ready for no draft
    --uncommitted MODE    the work that the task started from: \`leave-out\` (default), or \`include\` as a commit of its own
    --allow-workflows, --allow-secret FINGERPRINT
  secrets [list] [--json] your secrets, and the repositories that each is allowed for; never a value
  secrets set NAME        add or replace one; its value is asked for, or read from standard input
    --repo DIR|URL        the repository that it is for (default: this folder); more than once for several
  secrets remove NAME     remove one
  usage [--days N]        what model calls used and cost, by day, model, role and task, and what caps leave; --json
  doctor [--json]         say what is missing, and the command that mends it
  --help, --version

Settings are environment variables or keys of config.json in the data folder: see README.md.
`;

/** Resolves with the exit code. Every error becomes a sentence and what to do about it, never a stack. */
export async function main(args: string[], terminal: Terminal): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--version') {
    terminal.out(`${VERSION}\n`);
    return 0;
  }
  if (name === '--help' || name === '-h' || name === 'help' || rest.includes('--help')) {
    terminal.out(HELP);
    return 0;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (load === undefined) {
      throw new UsageError(`there is no command "${name}"; there are ${Object.keys(commands).join(', ')}`);
    }
    return await (await load())(rest, terminal);
  } catch (error) {
    return report(error, terminal);
  }
}

function report(error: unknown, { err, env }: Terminal): number {
  if (error instanceof UsageError) {
    err(`handoff: ${error.message}\nhandoff: see npm start -- --help\n`);
    return 2;
  }
  err(`handoff: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof CliError || error instanceof RelayError || error instanceof AppError) {
    if (error.nextAction) err(`handoff: ${error.nextAction}\n`);
  } else if (error instanceof Error && env.HANDOFF_DEBUG) err(`${error.stack}\n`);
  return 1;
}

/** The real process as a terminal. */
function processTerminal(): Terminal {
  // A reader that went away (`| head`) is no reason for a stack trace.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    errIsTty: process.stderr.isTTY === true,
    canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
    env: process.env,
    cwd: process.cwd(),
  };
}

/** `import.meta.main` is not there before Node 24. */
const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === import.meta.filename;
if (isProgram) process.exitCode = await main(process.argv.slice(2), processTerminal());
