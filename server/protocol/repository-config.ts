import * as z from 'zod';

/** Where a repository says what it wants of Handoff, from its root. */
export const REPOSITORY_CONFIG = '.handoff/config.json';

const MOST_CHECKS = 10;
const MOST_SERVICES = 20;
const MOST_NAMES = 100;
const MOST_HOOKS = 20;
/** Each is a program that runs beside the agent for as long as a turn does. */
const MOST_SERVERS = 20;
const DEFAULT_TIMEOUT_MS = 10 * 60_000;
const MOST_TIMEOUT_MS = 60 * 60_000;
const READY_TIMEOUT_MS = 30_000;
/** A hook holds the agent up at each call, so its time is short unless the repository says otherwise. */
const HOOK_TIMEOUT_MS = 30_000;
/** How many faults are told at once: a file can have thousands of one kind. */
const MOST_FAULTS = 10;

/**
 * Variables that are not a repository's to set: they change which programs the relay's own scripts run, belong to Handoff, or lead
 * around the network policy.
 */
const RESERVED =
  /^(PATH|HOME|PWD|OLDPWD|SHELL|IFS|ENV|CDPATH|GCONV_PATH|BASH_.*|BASHOPTS|SHELLOPTS|PROMPT_COMMAND|PS[0-4]|LD_.*|DYLD_.*|GIT_.*|HANDOFF_.*|.*_PROXY|__.*)$/i;

/** The name of an environment variable that a repository may ask for. */
export const EnvName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be letters, digits and _, and begin with no digit')
  .refine((name) => !RESERVED.test(name), {
    error:
      'is reserved: the sandbox or Handoff sets it, or what it would change is not the repository’s to choose',
  });

const Command = z.string().trim().min(1).max(10_000);
const Timeout = z.number().int().min(1).max(MOST_TIMEOUT_MS);
const Port = z.number().int().min(1).max(65_535);

/** A path from the repository's root which stays in it. */
const InsidePath = z
  .string()
  .max(4096)
  .regex(/^[^/\0\\][^\0\\]*$/, 'must be relative, with forward slashes')
  .refine((path) => path.split('/').every((part) => !['', '.', '..', '.git'].includes(part.toLowerCase())), {
    error: 'must stay in the repository: no empty, ".", ".." or ".git" part',
  });

/** A list in which each name stands once. */
const distinct = <Item>(items: Item[], nameOf: (item: Item) => string): boolean =>
  new Set(items.map(nameOf)).size === items.length;

/** A command that says by its exit code whether what a turn left is sound. */
export const CheckConfig = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\n]*$/, 'must be one line')
    .describe('How the check is called in the chat; one line.'),
  command: Command.describe('For bash, in the workspace.'),
  timeoutMs: Timeout.default(DEFAULT_TIMEOUT_MS).describe('After so many milliseconds it has failed.'),
  fix: z
    .boolean()
    .optional()
    .describe('Whether the agent is told once when it fails, so that it can mend it; yes when left out.'),
});
export type CheckConfig = z.infer<typeof CheckConfig>;

export const SetupConfig = z.object({
  command: Command.optional().describe(
    'For bash, in the workspace. Without it, .handoff/setup.sh is run, or what .devcontainer/devcontainer.json says.',
  ),
  timeoutMs: Timeout.default(DEFAULT_TIMEOUT_MS).describe('After so many milliseconds it is stopped.'),
  inputs: z
    .array(InsidePath)
    .max(MOST_NAMES)
    .default([])
    .describe(
      'Files and folders that decide what setup does, besides lock files: where they change, it is run anew.',
    ),
});
export type SetupConfig = z.infer<typeof SetupConfig>;

export const ServiceConfig = z.object({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -')
    .describe('How the service is called.'),
  command: Command.describe('For bash, in the workspace; it stays in the foreground.'),
  port: Port.optional().describe('Where it listens: it is ready once it does.'),
  ready: z
    .object({
      port: Port.optional().describe('It is ready once something listens here.'),
      command: Command.optional().describe('It is ready once this command for bash ends with 0.'),
      timeoutMs: Timeout.default(READY_TIMEOUT_MS).describe('How many milliseconds are waited at most.'),
    })
    .refine(({ port, command }) => (port === undefined) !== (command === undefined), {
      error: 'needs a port or a command, and not both',
    })
    .optional()
    .describe('How to tell that it is ready, and how long to wait. Without it: by its port.'),
});
export type ServiceConfig = z.infer<typeof ServiceConfig>;

/** A command that runs around what the agent does. */
export const HookConfig = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\n]*$/, 'must be one line')
    .describe('How the hook is called in the chat; one line.'),
  on: z
    .enum(['before_tool', 'after_tool', 'turn_end'])
    .describe(
      'Before a tool call, which exit code 2 refuses; after one, whose result gets what is printed; or once before a turn ends.',
    ),
  tools: z
    .array(z.string().min(1).max(100))
    .max(MOST_NAMES)
    .optional()
    .describe('Names of tools; one that ends in * is the beginning of names. Without it: every tool.'),
  command: Command.describe('For bash, in the workspace. The call is its standard input, as JSON.'),
  timeoutMs: Timeout.default(HOOK_TIMEOUT_MS).describe('After so many milliseconds it has failed.'),
});
export type HookConfig = z.infer<typeof HookConfig>;

/** Stands in the names of tools between two `__`, so it has none, nor one at an end. */
export const McpName = z
  .string()
  .max(32)
  .regex(/^[a-zA-Z0-9-]+(_[a-zA-Z0-9-]+)*$/, 'must be letters, digits and -, with single _ in between');

export const McpConfig = z.object({
  command: z
    .array(z.string().max(10_000))
    .min(1)
    .max(MOST_NAMES)
    .optional()
    .describe(
      'Program and arguments of an MCP server, which runs in the sandbox. Without it, a server of the relay’s owner is meant.',
    ),
  env: z.record(EnvName, z.string()).optional().describe('Environment variables of the server.'),
  tools: z
    .array(z.string().min(1).max(200))
    .max(MOST_NAMES)
    .optional()
    .describe('Which of its tools are used. Without it: all.'),
  off: z.boolean().optional().describe('Whether the server is not used here.'),
});
export type McpConfig = z.infer<typeof McpConfig>;

const DatabaseEnv = EnvName.default('DATABASE_URL').describe('The variable that has the URL of the copy.');

export const DatabaseConfig = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('postgres').describe('A copy of a database that the relay’s owner offers.'),
    template: z
      .string()
      .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ and -')
      .describe('The name by which the owner offers it (HANDOFF_DATABASES).'),
    env: DatabaseEnv,
  }),
  z.object({
    kind: z
      .literal('sqlite')
      .describe('A copy of a file, outside the workspace; HANDOFF_DATABASE_FILE is its path.'),
    template: InsidePath.describe('The file, which is in the repository or made by setup.'),
    env: DatabaseEnv,
  }),
]);
export type DatabaseConfig = z.infer<typeof DatabaseConfig>;

/**
 * The content of `.handoff/config.json`. What it knows must be right; keys that it does not know are those of another version, and
 * mean nothing here. It may ask for less than the person and the relay's owner allow, never for more.
 */
export const RepositoryConfig = z.object({
  image: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._\-/:@]{0,254}$/i, 'must be the name of an image')
    .optional()
    .describe('What the sandbox is made of, where the relay’s sandboxes have images.'),
  setup: SetupConfig.optional().describe('What is run once in every new sandbox, before the agent begins.'),
  network: z
    .object({
      domains: z
        .array(z.string().trim().min(1).max(253))
        .max(MOST_NAMES)
        .describe(
          'Host names, or *.name for all below it; of those that the relay’s owner allows. None: no network.',
        ),
    })
    .optional()
    .describe('Narrows what the sandbox may reach. Without it: all that the relay’s owner allows.'),
  resources: z
    .object({
      cpus: z.number().min(0.1).max(1024).optional().describe('Processors.'),
      memoryMiB: z
        .number()
        .int()
        .min(64)
        .max(1 << 24)
        .optional()
        .describe('Memory, in MiB.'),
      diskMiB: z
        .number()
        .int()
        .min(64)
        .max(1 << 24)
        .optional()
        .describe('Disk, in MiB.'),
    })
    .optional()
    .describe('The most that the sandbox has of each; never more than the relay’s owner allows.'),
  env: z
    .record(
      EnvName,
      z
        .string()
        .max(4096)
        .regex(/^[^\0]*$/, 'must have no NUL'),
    )
    .refine((env) => Object.keys(env).length <= MOST_NAMES, {
      error: `has more than ${MOST_NAMES} variables`,
    })
    .default({})
    .describe(
      'Environment variables of every command. Everybody who reads the repository reads them: no secrets here.',
    ),
  secrets: z
    .array(EnvName)
    .max(MOST_NAMES)
    .refine((names) => distinct(names, (name) => name), { error: 'names a secret twice' })
    .default([])
    .describe(
      'Names of secrets, which become environment variables if the person allowed them for this repository.',
    ),
  services: z
    .array(ServiceConfig)
    .max(MOST_SERVICES)
    .refine((services) => distinct(services, ({ name }) => name), {
      error: 'two services have the same name',
    })
    .default([])
    .describe('What runs beside the agent. Started in this order, each once the one before it is ready.'),
  database: DatabaseConfig.optional().describe('A database copy of the task’s own.'),
  checks: z
    .array(CheckConfig)
    .max(MOST_CHECKS)
    .refine((checks) => distinct(checks, ({ name }) => name), { error: 'two checks have the same name' })
    .default([])
    .describe('Commands that are run after a turn, and whose outcome is told.'),
  hooks: z
    .array(HookConfig)
    .max(MOST_HOOKS)
    .refine((hooks) => distinct(hooks, ({ name }) => name), { error: 'two hooks have the same name' })
    .default([])
    .describe('Commands that are run around what the agent does, in this order.'),
  mcp: z
    .record(McpName, McpConfig)
    .refine((servers) => Object.keys(servers).length <= MOST_SERVERS, {
      error: `has more than ${MOST_SERVERS} servers`,
    })
    .default({})
    .describe(
      'MCP servers, whose tools the agent gets: those of the sandbox, and less of the relay’s owner’s.',
    ),
});
export type RepositoryConfig = z.infer<typeof RepositoryConfig>;

export type RepositoryConfigRead =
  | { ok: true; config: RepositoryConfig }
  /** `config` has what is right of it; `broken` names the keys that are not: all of them, where it is no object at all. */
  | { ok: false; config: RepositoryConfig; broken: string[]; problem: string };

/** Reads the file's text. `problem` says what is wrong with it, for a person. */
export function readRepositoryConfig(text: string): RepositoryConfigRead {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return unusable(`It is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = RepositoryConfig.safeParse(json);
  if (parsed.success) return { ok: true, config: parsed.data };
  const issues = parsed.error.issues.flatMap(withReason);
  const problem = z.prettifyError({ issues: issues.slice(0, MOST_FAULTS) });
  const broken = new Set(issues.map(({ path }) => path[0]).filter((key) => typeof key === 'string'));
  if (broken.size === 0 || typeof json !== 'object' || json === null) return unusable(problem);
  const rest = Object.fromEntries(Object.entries(json).filter(([key]) => !broken.has(key)));
  return { ok: false, config: RepositoryConfig.parse(rest), broken: [...broken], problem };
}

/** What is wrong with a name is said by the name's own rule. */
function withReason(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_key') return [issue];
  return issue.issues.map((reason) => ({ ...reason, path: issue.path }));
}

function unusable(problem: string): RepositoryConfigRead {
  const broken = Object.keys(RepositoryConfig.shape);
  return { ok: false, config: RepositoryConfig.parse({}), broken, problem };
}
