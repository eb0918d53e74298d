import { delimiter } from 'node:path';
import * as z from 'zod';
import { OwnersServers } from './mcp/servers.ts';
import { modelSettings } from './models/settings.ts';
import { isDomainPattern } from './sandbox/network.ts';
import type { NetworkPolicy } from './sandbox/sandbox.ts';
import { fromJson, HttpUrl } from './setting-kinds.ts';
import { tracingSettings } from './tracing/settings.ts';

const Count = z.coerce.number().int().min(1).max(100_000);
const UserName = z.string().regex(/^[\w.@-]{1,64}$/, 'must be 1 to 64 letters, digits, or . _ @ -');

/** Host names that sandboxes may reach, or one of two words. */
const Network = z.string().transform((text, context): NetworkPolicy => {
  const words = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  if (words.length === 0 || (words.length === 1 && words[0] === 'none')) return { mode: 'none' };
  if (words.length === 1 && words[0] === 'open') return { mode: 'open' };
  const wrong = words.find((word) => !isDomainPattern(word));
  if (wrong === undefined) return { mode: 'allow-list', domains: words };
  context.addIssue({ code: 'custom', message: `${JSON.stringify(wrong)} is no host name, nor *.name` });
  return z.NEVER;
});

const Mebibytes = z.coerce
  .number()
  .int()
  .min(64)
  .max(1 << 24);

/** Of sandboxes: which kind, what each may have, and how long it lives. */
const SandboxSettings = z.object({
  HANDOFF_SANDBOX: z.enum(['local', 'daytona', 'container']).default('local'),
  /** What sandboxes may reach at most; a repository may ask for less. */
  HANDOFF_NETWORK: Network.default({ mode: 'none' }),
  HANDOFF_IMAGE: z.string().min(1).optional(),
  HANDOFF_SANDBOX_CPUS: z.coerce.number().min(0.1).max(1024).optional(),
  HANDOFF_SANDBOX_MEMORY_MIB: Mebibytes.optional(),
  HANDOFF_SANDBOX_DISK_MIB: Mebibytes.optional(),
  HANDOFF_SANDBOX_HOURS: z.coerce.number().min(0.01).max(100_000).default(24),
  /** How many machines are kept, filled and set up, for tasks to come. */
  HANDOFF_WARM: z.coerce.number().int().min(0).max(1000).default(8),
  /** Folders of compilers and the like which local sandboxes may read, separated as in PATH. */
  HANDOFF_TOOLCHAINS: z
    .string()
    .default('')
    .transform((text) => text.split(delimiter).filter((folder) => folder !== '')),
  DAYTONA_API_KEY: z.string().min(1).optional(),
  DAYTONA_API_URL: HttpUrl.optional(),
  DAYTONA_TARGET: z.string().min(1).optional(),
  HANDOFF_DAYTONA_SNAPSHOT: z.string().min(1).optional(),
  /** `docker`, `podman`, or the path of one. Absent: whichever there is. */
  HANDOFF_CONTAINER_CLI: z.string().min(1).optional(),
  /** Where previews are reached by people who are not on this machine, such as `https://{id}.preview.example.com`. */
  HANDOFF_PREVIEW_URL: z
    .string()
    .regex(/^https?:\/\/[^/]*\{id\}[^/]*\/?$/, 'must have {id} in its host name')
    .optional(),
  /** `{"name": "postgresql://…/template"}`: databases of which every task may get a copy, by names that repositories use. */
  HANDOFF_DATABASES: z
    .preprocess(
      fromJson,
      z.record(z.string().regex(/^[\w-]{1,64}$/), z.string().regex(/^postgres(ql)?:\/\//)),
    )
    .default({}),
});

/** The settings, named as in the environment and in `config.json`; the environment wins. */
export const Settings = z.object({
  ...SandboxSettings.shape,
  ...modelSettings,
  ...tracingSettings,
  HANDOFF_HOST: z.string().default('127.0.0.1'),
  HANDOFF_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  HANDOFF_TOKEN: z.string().min(16, 'needs at least 16 characters').optional(),
  HANDOFF_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .optional(),
  HANDOFF_GITHUB_URL: HttpUrl.default('https://github.com'),
  HANDOFF_GITHUB_API_URL: HttpUrl.default('https://api.github.com'),
  /** What GitHub signs webhooks with. Absent: no webhooks. */
  HANDOFF_GITHUB_WEBHOOK_SECRET: z.string().min(16, 'needs at least 16 characters').optional(),
  HANDOFF_ALLOWED_HOSTS: z.string().optional(),
  HANDOFF_LOG: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** `{"name": "token"}`, as an object in the file or as JSON in the environment: people who share this relay. */
  HANDOFF_USERS: z.preprocess(fromJson, z.record(UserName, z.string().min(16))).default({}),
  HANDOFF_FILE_SOURCES: z.enum(['owner', 'all']).default('owner'),
  HANDOFF_WORK: z.string().min(1).optional(),
  HANDOFF_MAX_TURNS: Count.default(64),
  HANDOFF_MAX_TURNS_PER_USER: Count.default(32),
  HANDOFF_GRACE_SECONDS: z.coerce.number().min(0).max(3600).default(5),
  HANDOFF_IDLE_MINUTES: z.coerce.number().min(0.01).max(100_000).default(10),
  HANDOFF_RETENTION_DAYS: z.coerce.number().min(0.001).max(36_500).default(30),
  HANDOFF_NOTIFY_URL: HttpUrl.optional(),
  /** `{"name": {"url": "https://…", "headers": {"Authorization": "Bearer …"}}}`: MCP servers whose tools agents get, reached from the relay. */
  HANDOFF_MCP: z.preprocess(fromJson, OwnersServers).default({}),
  /** For tests: `kill:<file>` dies once at each boundary of a turn, `list:<file>` lists them. */
  HANDOFF_KILL_POINTS: z
    .templateLiteral([z.enum(['kill', 'list']), ':', z.string().min(1)])
    .transform((text) => ({ mode: text.startsWith('kill:') ? 'kill' : 'list', file: text.slice(5) }) as const)
    .optional(),
});
