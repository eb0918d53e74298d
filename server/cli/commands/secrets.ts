import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createRelayClient } from '../../protocol/client.ts';
import { DATA_FILES } from '../../protocol/locations.ts';
import { repositoryUrl } from '../../protocol/repository-url.ts';
import { SecretName, type SecretSummary } from '../../protocol/secrets.ts';
import type { SecretsClient } from '../../protocol/secrets-client.ts';
import { readArguments } from '../arguments.ts';
import { ask } from '../ask.ts';
import { CliError, type Command, type Terminal, UsageError } from '../command.ts';
import { runGit } from '../git.ts';
import { dataDirOf, ensureRelay } from '../local-relay.ts';
import { printable } from '../progress.ts';

/** What the command gets of the world besides its terminal; tests give it another. */
export interface SecretsDeps {
  connect(): Promise<SecretsClient>;
  /** The value, from the person or from standard input: never from the command line, which others on the machine can read. */
  readValue(name: string): Promise<string | undefined>;
}

/** Lists, adds and removes secrets that the relay places into sandboxes. */
export const secrets: Command = (args, terminal) =>
  runSecrets(args, terminal, {
    async connect() {
      const relay = await ensureRelay(terminal.env, () => terminal.err('Starting the relay ...\n'));
      return createRelayClient({ url: relay.url, token: tokenOf(terminal) }).secrets;
    },
    readValue: (name) =>
      terminal.canAsk ? ask(`Value of ${name}: `, { hidden: true, interrupts: true }) : readStandardInput(),
  });

export async function runSecrets(args: string[], terminal: Terminal, deps: SecretsDeps): Promise<number> {
  const { values, positionals } = readArguments(args, {
    json: { type: 'boolean', default: false },
    repo: { type: 'string', multiple: true, default: [] },
  });
  const [verb = 'list', name, ...more] = positionals;
  if (more.length > 0 || (verb === 'list' && name !== undefined)) {
    throw new UsageError('a secret’s value is not given here, where others can read it: it is asked for');
  }
  if (values.json && verb !== 'list') throw new UsageError(`secrets ${verb} has no --json`);
  if (values.repo.length > 0 && verb !== 'set') throw new UsageError('--repo belongs to secrets set');
  if (verb === 'list') return list(await deps.connect(), values.json, terminal);
  if (verb !== 'set' && verb !== 'remove') {
    throw new UsageError(`there is no secrets ${verb}; there are list, set and remove`);
  }
  const parsed = SecretName.safeParse(name ?? '');
  if (!parsed.success) throw new UsageError(`the name of a secret ${parsed.error.issues[0]?.message}`);
  if (verb === 'set') return set(parsed.data, values.repo, terminal, deps);
  await (await deps.connect()).remove(parsed.data);
  terminal.err(`Removed ${parsed.data}.\n`);
  return 0;
}

async function list(client: SecretsClient, json: boolean, { out }: Terminal): Promise<number> {
  const { secrets: all } = await client.list();
  out(
    json
      ? `${JSON.stringify(all)}\n`
      : all.map(line).join('') || 'No secrets yet: npm start -- secrets set NAME --repo DIR\n',
  );
  return 0;
}

function line({ name, repositories, updatedAt, usedAt }: SecretSummary): string {
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
  const used = usedAt === undefined ? 'never used' : `used ${day(usedAt)}`;
  return `${name}  set ${day(updatedAt)}, ${used}  ${printable(repositories.join(' '))}\n`;
}

async function set(
  name: string,
  asked: string[],
  terminal: Terminal,
  { connect, readValue }: SecretsDeps,
): Promise<number> {
  const repositories = await Promise.all(
    (asked.length > 0 ? asked : ['.']).map((repo) => addressOf(repo, terminal)),
  );
  const value = await readValue(name);
  if (!value) {
    throw new CliError(
      'There is no value.',
      `Type it, or give it by standard input: npm start -- secrets set ${name} < FILE`,
    );
  }
  const stored = await (await connect()).put(name, { value, repositories });
  terminal.err(
    `${name} is kept for ${printable(stored.repositories.join(', '))}, and for no other repository.\n`,
  );
  if (!stored.masked) terminal.err('It is too short to be hidden in what commands print.\n');
  return 0;
}

/** An address as it is; a folder as the remote of the repository that it is in. */
async function addressOf(repo: string, { cwd }: Terminal): Promise<string> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(repo) || /^[\w.-]+@[\w.-]+:/.test(repo)) return repo;
  const url = await repositoryUrl(runGit, path.resolve(cwd, repo));
  if (url !== undefined) return url;
  throw new CliError(
    `${path.resolve(cwd, repo)} is in no Git repository.`,
    'Name a repository: --repo DIR or --repo URL',
  );
}

function tokenOf({ env }: Terminal): string {
  return env.HANDOFF_TOKEN || readFileSync(path.join(dataDirOf(env), DATA_FILES.token), 'utf8').trim();
}

/** All of it but the end of its last line, which `echo` and editors add. */
async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
