import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { isStepCount, streamText, type ToolSet, tool } from 'ai';
import * as z from 'zod';

/**
 * What a tool loop is with nothing around it: the AI SDK's own, on plain files and child processes, in one process. No sandbox, no record, no
 * diff, no review. The least that others are measured against; a program of its own, as the relay is.
 */

/** What the parent asks for. */
export interface BareRun {
  /** Folders of checkouts, a session each. */
  directories: string[];
  model: { url: string; apiKey: string };
  prompt: string;
}
/** `first` and `all`: when text was first and last seen, ms from the call on. */
export interface BareDone {
  seconds: number;
  first: number;
  all: number;
  error?: string;
}

const run = promisify(execFile);
/** More than any bench's loop. */
const MOST_STEPS = 1000;

/** The same names and shapes as the relay's, so that the same script drives both. */
function toolsIn(directory: string): ToolSet {
  return {
    read: tool({
      description: 'Reads a file.',
      inputSchema: z.object({ path: z.string(), limit: z.number().optional() }),
      execute: async ({ path, limit }) => {
        const lines = (await readFile(join(directory, path), 'utf8')).split('\n').slice(0, limit);
        return lines.map((line, n) => `${n + 1}: ${line}`).join('\n');
      },
    }),
    edit: tool({
      description: 'Replaces text in a file.',
      inputSchema: z.object({ path: z.string(), oldText: z.string(), newText: z.string() }),
      execute: async ({ path, oldText, newText }) => {
        const file = join(directory, path);
        const text = await readFile(file, 'utf8');
        await writeFile(
          file,
          text.replace(oldText, () => newText),
        );
        return 'Edited.';
      },
    }),
    bash: tool({
      description: 'Runs a command.',
      inputSchema: z.object({ command: z.string() }),
      execute: async ({ command }) => (await run('bash', ['-c', command], { cwd: directory })).stdout,
    }),
    grep: tool({
      description: 'Searches.',
      inputSchema: z.object({ pattern: z.string(), path: z.string() }),
      execute: async ({ pattern, path }) =>
        (await run('rg', ['-n', pattern, path], { cwd: directory })).stdout,
    }),
  };
}

async function session(directory: string, { model, prompt }: BareRun, onText: () => void): Promise<void> {
  const provider = createOpenAICompatible({ name: 'model', baseURL: model.url, apiKey: model.apiKey });
  const result = streamText({
    model: provider.chatModel('fake-model'),
    prompt,
    tools: toolsIn(directory),
    stopWhen: isStepCount(MOST_STEPS),
    maxRetries: 0,
  });
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') onText();
    if (part.type === 'error') throw part.error;
  }
}

async function runAll(request: BareRun): Promise<BareDone> {
  const startedAt = performance.now();
  let first = NaN;
  let all = NaN;
  await Promise.all(
    request.directories.map((directory) =>
      session(directory, request, () => {
        all = performance.now() - startedAt;
        if (Number.isNaN(first)) first = all;
      }),
    ),
  );
  return { seconds: (performance.now() - startedAt) / 1000, first, all };
}

process.on('message', (request: BareRun) => {
  runAll(request).then(
    (done) => process.send?.(done),
    (error: unknown) =>
      process.send?.({ seconds: NaN, first: NaN, all: NaN, error: String(error) } satisfies BareDone),
  );
});
