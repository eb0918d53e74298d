// A relay of its own, bundled as an installed one is: makes a sandbox, uses it, removes it, and prints what it saw as JSON.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDaytonaProvider } from '../../../../server/sandbox/daytona/provider.ts';
import { SandboxError } from '../../../../server/sandbox/sandbox.ts';

const { URL: apiUrl, API_KEY: apiKey } = process.env;
const relay = createDaytonaProvider({
  apiKey,
  apiUrl,
  target: 'us',
  owner: 'installed',
  image: undefined,
  snapshot: undefined,
  idleMs: 600_000,
  supervisorPath: join(dirname(fileURLToPath(import.meta.url)), 'supervisor-websocket.mjs'),
});
const sandbox = await relay.create({ taskId: 'installed' });
const { stdout } = await sandbox.exec({
  execId: 'one',
  argv: ['echo', 'works'],
  timeoutMs: 10_000,
  maxOutputBytes: 1_000,
});
await relay.destroy(sandbox.ref);
const error: unknown = await relay.resume(sandbox.ref).catch((reason: unknown) => reason);
const isSandboxError = error instanceof SandboxError;
const out = Buffer.from(stdout.head).toString();
console.log(JSON.stringify({ out, state: await relay.state(sandbox.ref), isSandboxError }));
await relay.close();
