import { randomBytes } from 'node:crypto';
import type { Sandbox as Machine } from '@daytonaio/sdk';
import * as z from 'zod';
import { SandboxError } from '../sandbox.ts';
import type { Arch } from '../supervised/ripgrep.ts';
import { askRunning, type Client } from './client.ts';
import type { Kit } from './kit.ts';

/** The oldest Node that the supervisor runs on. */
const OLDEST_NODE = 20;
/** Seconds for a command of ours in the machine, and milliseconds for bringing files there. */
const COMMAND_SECONDS = 60;
const UPLOAD_MS = 180_000;
/** Characters of what a command of ours printed that go into an error. */
const LAST_WORDS = 500;

const Supervisor = z.object({
  port: z.number().int().min(1).max(65_535),
  key: z
    .string()
    .min(32)
    .max(200)
    .regex(/^[\w-]+$/),
  workspace: z.string().startsWith('/'),
  scratch: z.string().startsWith('/'),
});

/** How the supervisor of a machine is reached from inside, and where it works. */
export type Equipped = z.infer<typeof Supervisor>;

/** What a command of ours found out about a machine: one line each, whatever else was printed. */
type Facts = Partial<Record<'home' | 'arch' | 'node' | 'git' | 'rg' | 'supervisor' | 'problem', string>>;

/**
 * Makes sure that our supervisor runs in a machine: brings it there at the first time, starts it where it does not run.
 * @throws SandboxError `unavailable` where the machine lacks what it takes
 */
export async function equip(client: Client, machine: Machine, kit: Kit): Promise<Equipped> {
  const { hash, data } = await kit.supervisor();
  const script = `supervisor-${hash}.mjs`;
  const first = await run(client, machine, commandFor({ script, machine: machine.id }));
  requireTools(first, machine);
  if (first.supervisor !== undefined || first.problem !== undefined) return equipped(first);

  const suffix = randomBytes(6).toString('hex');
  const bin = `${first.home}/.handoff/bin`;
  const files = [{ source: data, destination: `${bin}/${script}.${suffix}` }];
  if (!first.rg) {
    files.push({ source: await ripgrepFor(first, machine, kit), destination: `${bin}/rg.${suffix}` });
  }
  await askRunning(client, 'bring the supervisor', () => machine.fs.uploadFiles(files, UPLOAD_MS / 1000), {
    patience: UPLOAD_MS,
  });
  return equipped(await run(client, machine, commandFor({ script, machine: machine.id, suffix })));
}

/**
 * One command, for the time of a round trip is most of what it takes. Files appear under their names only when they are whole. It is
 * made of nothing but our own constants, and runs alike by a shell and by services that split it themselves, so no ' is in it.
 */
function commandFor({
  script,
  machine,
  suffix,
}: {
  script: string;
  machine: string;
  suffix?: string;
}): string {
  if (!/^[\w-]+$/.test(machine)) throw new SandboxError('failed', 'That is not the id of a sandbox.');
  const install =
    suffix === undefined
      ? []
      : [
          `if [ -e "$B/rg.${suffix}" ]; then chmod 755 "$B/rg.${suffix}" && mv "$B/rg.${suffix}" "$B/rg"; fi`,
          `if [ -e "$S.${suffix}" ]; then mv "$S.${suffix}" "$S"; fi`,
        ];
  const lines = [
    'B="$HOME/.handoff/bin"',
    `S="$B/${script}"`,
    'mkdir -p "$B"',
    ...install,
    'echo "handoff:home=$HOME"',
    'echo "handoff:arch=$(uname -m)"',
    'echo "handoff:node=$(node --version 2>/dev/null)"',
    'echo "handoff:git=$(command -v git)"',
    'echo "handoff:rg=$(PATH="$PATH:$B" command -v rg)"',
    `if [ -e "$S" ]; then exec node "$S" start ${machine}; fi`,
  ];
  return `sh -c '${lines.join('; ')}'`;
}

async function run(client: Client, machine: Machine, command: string): Promise<Facts> {
  const { result } = await askRunning(
    client,
    'prepare the sandbox',
    () => machine.process.executeCommand(command, undefined, undefined, COMMAND_SECONDS),
    { patience: COMMAND_SECONDS * 1000 },
  );
  const facts: Facts = Object.fromEntries(
    [...result.matchAll(/^handoff:(\w+)=(.*?)\r?$/gm)].map(([, name, value]) => [name, value]),
  );
  if (facts.home?.startsWith('/')) return facts;
  throw new SandboxError('failed', `The sandbox cannot be prepared: ${result.slice(-LAST_WORDS)}`);
}

function requireTools({ node = '', git }: Facts, machine: Machine): void {
  const major = Number(/^v(\d+)\./.exec(node)?.[1] ?? 0);
  if (major < OLDEST_NODE) throw lacks(machine, `Node ${OLDEST_NODE} or newer`, node);
  if (!git) throw lacks(machine, 'Git');
}

async function ripgrepFor({ arch }: Facts, machine: Machine, kit: Kit): Promise<Buffer> {
  const known: Record<string, Arch> = { x86_64: 'x64', aarch64: 'arm64' };
  const name = known[arch ?? ''];
  const data = name === undefined ? undefined : await kit.ripgrep(name);
  if (data === undefined) throw lacks(machine, `ripgrep for ${arch}`);
  return data;
}

function lacks(machine: Machine, tool: string, found = ''): SandboxError {
  const image = machine.snapshot ? `The image ${machine.snapshot}` : 'The image';
  const instead = found === '' ? '' : ` (it has ${found})`;
  return new SandboxError('unavailable', `${image} has no ${tool}${instead}, which sandboxes need.`, {
    nextAction:
      'Set HANDOFF_IMAGE or HANDOFF_DAYTONA_SNAPSHOT to one with Node 20 and Git, such as node:24-bookworm.',
  });
}

function equipped({ supervisor, problem }: Facts): Equipped {
  if (problem !== undefined || supervisor === undefined) {
    throw new SandboxError(
      'failed',
      `The sandbox did not get ready: ${problem ?? 'its files did not arrive'}.`,
    );
  }
  const parsed = Supervisor.safeParse(fromJson(supervisor));
  // The line has the key: it is not repeated.
  if (!parsed.success)
    throw new SandboxError('failed', 'The sandbox answered something that makes no sense.');
  return parsed.data;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
