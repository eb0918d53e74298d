import { PassThrough } from 'node:stream';
import { deserializeMessage, serializeMessage, type Transport } from '@modelcontextprotocol/client';
import { type ExecResult, type Sandbox, SandboxError } from '../sandbox/sandbox.ts';
import { LIMITS } from './limits.ts';
import { lineReader } from './lines.ts';
import { plain } from './result-text.ts';

/** A way to a server that says why it is at its end. */
export interface Way {
  transport: Transport;
  /** Once it is at its end: how it came to it, for a sentence that begins with the server; undefined where nothing is known. */
  ending(): string | undefined;
  /** Tells a server that outlives its conversations that this one is over. */
  leave?(): Promise<unknown>;
}

/** How a program in the sandbox is run as a server. `execId` is new: a server is never attached to, for its conversation is not. */
export interface Program {
  execId: string;
  command: readonly string[];
  env: Record<string, string>;
}

/**
 * Speaks to a server by the standard input and output of a command in the sandbox, which ends with the connection of this relay. What
 * it prints that is no message is passed over, as servers print what they should not.
 */
export function sandboxTransport(sandbox: Sandbox, { execId, command, env }: Program): Way {
  const input = new PassThrough();
  const over = new AbortController();
  let ending: string | undefined;
  let running: Promise<void> | undefined;

  const takeLine = (line: string): void => {
    try {
      transport.onmessage?.(deserializeMessage(line));
    } catch {
      // Its own words, among the messages.
    }
  };
  const takeBytes = lineReader(LIMITS.message, takeLine);
  const run = async (): Promise<void> => {
    try {
      const result = await sandbox.exec(
        {
          execId,
          argv: [...command],
          env,
          timeoutMs: LIMITS.lifeMs,
          maxOutputBytes: LIMITS.complaint,
        },
        {
          input,
          isBackground: true,
          signal: over.signal,
          onOutput({ name, data }) {
            if (name === 'stderr' || over.signal.aborted || takeBytes(data)) return;
            ending = `sent a message of more than ${LIMITS.message} bytes`;
            over.abort();
          },
        },
      );
      ending ??= endingOf(result);
    } catch (error) {
      ending ??= error instanceof SandboxError ? `was lost: ${error.message}` : 'could not be run';
    }
    input.destroy();
    transport.onclose?.();
  };

  const transport: Transport = {
    async start() {
      running = run();
    },
    send: (message) =>
      new Promise((resolve, reject) => {
        input.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()));
      }),
    async close() {
      if (running === undefined) return;
      input.end();
      const timer = setTimeout(() => over.abort(), LIMITS.goodbyeMs);
      await running;
      clearTimeout(timer);
    },
  };
  input.on('error', () => {});
  return { transport, ending: () => ending };
}

function endingOf({ exitCode, reason, stderr }: ExecResult): string {
  const printed = plain(Buffer.concat([stderr.head, stderr.tail]).toString('utf8')).trim();
  const said = printed === '' ? '' : `; it printed: ${printed.slice(-LIMITS.complaint).toWellFormed()}`;
  if (reason === 'lost') return 'was lost with its sandbox';
  if (reason !== 'exit') return `was stopped${said}`;
  return `ended ${exitCode === null ? 'by a signal' : `with exit code ${exitCode}`}${said}`;
}
