// An MCP server as a program: JSON, a line a message, on its standard input and output. Runs on any Node, for it runs in sandboxes.
// What it does to the files of its folder is what tests look at.
import { appendFileSync, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const text = (words) => ({ content: [{ type: 'text', text: words }] });
const asked = (name) => ({ type: 'object', properties: { [name]: { type: 'string' } }, required: [name] });
const nothing = { type: 'object', properties: {} };

/** Resolves once the file is there. */
const whenThere = (path) =>
  new Promise((resolve) => {
    const look = setInterval(() => {
      if (!existsSync(path)) return;
      clearInterval(look);
      resolve();
    }, 10);
  });

const TOOLS = [
  {
    name: 'echo',
    description: 'Says it again.',
    inputSchema: asked('text'),
    annotations: { readOnlyHint: true },
    run: ({ text: words }) => text(words),
  },
  {
    name: 'note',
    description: 'Adds a line to notes.txt.',
    inputSchema: asked('text'),
    run: ({ text: words }) => {
      appendFileSync('notes.txt', `${words}\n`);
      return text('noted');
    },
  },
  {
    name: 'wait',
    description: 'Notes that it began, and waits for the file gate.',
    inputSchema: nothing,
    run: async (_input, progress) => {
      appendFileSync('waits.txt', 'began\n');
      progress(1, 2, 'halfway');
      await whenThere('gate');
      appendFileSync('waits.txt', 'ended\n');
      return text('waited');
    },
  },
  {
    name: 'env',
    description: '',
    inputSchema: asked('name'),
    run: ({ name }) => text(process.env[name] ?? 'unset'),
  },
  {
    name: 'fail',
    description: '',
    inputSchema: nothing,
    run: () => ({ ...text('It is broken.'), isError: true }),
  },
  {
    name: 'big',
    description: '',
    inputSchema: nothing,
    run: () => text(`${'a'.repeat(20_000)}${'b'.repeat(20_000)}`),
  },
  {
    name: 'draw',
    description: '',
    inputSchema: nothing,
    run: () => ({ content: [{ type: 'image', mimeType: 'image/png', data: PNG }] }),
  },
  {
    name: 'crash',
    description: '',
    inputSchema: nothing,
    run: () => {
      appendFileSync('crashes.txt', 'crash\n');
      process.stderr.write('Cannot go on.\n');
      process.exit(3);
    },
  },
];

/** What the newest revision wants of every result. */
const OF_REVISION = process.argv[2] === 'new' ? { resultType: 'complete' } : {};

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

async function answer({ method, params }) {
  if (method === 'initialize') {
    const { protocolVersion } = params;
    return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'fake', version: '1' } };
  }
  if (method === 'ping') return {};
  if (method === 'server/discover' && process.argv[2] === 'new') {
    const about = { capabilities: { tools: {} }, serverInfo: { name: 'fake', version: '1' } };
    return {
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      ...about,
      ttlMs: 0,
      cacheScope: 'private',
    };
  }
  if (method === 'tools/list') return { tools: TOOLS.map(({ run, ...tool }) => tool) };
  const tool = TOOLS.find(({ name }) => name === params.name);
  if (!tool) throw { code: -32602, message: `There is no tool ${params.name}` };
  const token = params._meta?.progressToken;
  const progress = (done, total, message) =>
    token !== undefined &&
    send({
      method: 'notifications/progress',
      params: { progressToken: token, progress: done, total, message },
    });
  return tool.run(params.arguments ?? {}, progress);
}

if (process.argv[2] === 'mute') setInterval(() => {}, 1000);
else {
  appendFileSync('starts.txt', 'start\n');
  process.stdout.write('This server greets whoever reads.\n');
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const message = JSON.parse(line);
      if (message.method === 'notifications/cancelled') appendFileSync('cancelled.txt', 'cancelled\n');
      // One of before the newest revision: at what it does not know, it ends.
      if (process.argv[2] === 'old' && message.method === 'server/discover') process.exit(1);
      // One that knows no other: it is not spoken to as before.
      if (process.argv[2] === 'new' && message.method === 'initialize') {
        return send({ id: message.id, error: { code: -32601, message: 'Method not found' } });
      }
      if (message.id === undefined || message.method === undefined) return;
      answer(message).then(
        (result) => send({ id: message.id, result: { ...result, ...OF_REVISION } }),
        (error) => send({ id: message.id, error }),
      );
    })
    .on('close', () => {
      appendFileSync('starts.txt', 'end\n');
      process.exit(0);
    });
}
