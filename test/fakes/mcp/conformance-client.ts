// What the published conformance suite runs: it speaks to the suite's server as a turn does, and uses what the server has.
import { httpTransport } from '../../../server/mcp/http-transport.ts';
import { openSession } from '../../../server/mcp/session.ts';

const url = process.argv.at(-1) ?? '';
const session = await openSession(httpTransport({ url, headers: {} }));
const signal = AbortSignal.timeout(20_000);
for (const { name, inputSchema } of await session.tools()) {
  const numbers = Object.keys(inputSchema.properties ?? {}).map((key, at) => [key, at + 1]);
  await session.call(name, Object.fromEntries(numbers), { signal, onProgress: () => {} });
}
await session.close();
