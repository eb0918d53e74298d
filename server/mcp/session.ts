import {
  type CallToolResult,
  Client,
  type JsonSchemaValidator,
  type Tool as ServerTool,
} from '@modelcontextprotocol/client';
import { VERSION } from '../version.ts';
import { failureOf } from './failure.ts';
import { LIMITS } from './limits.ts';
import type { Way } from './sandbox-transport.ts';

/** How a call goes on while it is under way. */
export interface Calling {
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** A conversation with one server. Everything fails with a `ServerFailure`, or as the signal says. */
export interface Session {
  /** It is of no more use: a new one has to be opened. */
  readonly isClosed: boolean;
  tools(): Promise<ServerTool[]>;
  call(name: string, input: Record<string, unknown>, calling: Calling): Promise<CallToolResult>;
  close(): Promise<void>;
}

/**
 * Shakes hands with a server, of the protocol's newest revision or of those before. It is offered nothing: no sampling, no questions to the person, no folders.
 *
 * Schemas of a server are passed on and never applied here: one with a pattern that takes for ever would hold up the relay.
 * @param asks `auto`: first which revisions it speaks; `legacy`: by the handshake of those before the newest
 */
export async function openSession(
  { transport, ending, leave }: Way,
  asks: 'auto' | 'legacy' = 'auto',
): Promise<Session> {
  const client = new Client(
    { name: 'handoff', version: VERSION },
    {
      capabilities: {},
      versionNegotiation: { mode: asks },
      jsonSchemaValidator: { getValidator: takesAnything },
      listMaxPages: LIMITS.listPages,
    },
  );
  let isClosed = false;
  client.onclose = () => {
    isClosed = true;
  };
  try {
    await client.connect(transport, { timeout: LIMITS.connectMs });
  } catch (error) {
    const failure = failureOf(error, LIMITS.connectMs, ending());
    await client.close().catch(() => {});
    throw failure;
  }

  return {
    get isClosed() {
      return isClosed;
    },
    async tools() {
      try {
        if (client.getServerCapabilities()?.tools === undefined) return [];
        const { tools } = await client.listTools(undefined, { timeout: LIMITS.connectMs });
        return tools;
      } catch (error) {
        throw failureOf(error, LIMITS.connectMs, ending());
      }
    },
    async call(name, input, { signal, onProgress }) {
      try {
        return await client.callTool(
          { name, arguments: input },
          {
            signal,
            timeout: LIMITS.callMs,
            maxTotalTimeout: LIMITS.callMostMs,
            resetTimeoutOnProgress: true,
            onprogress: ({ progress, total, message }) =>
              onProgress(
                [total === undefined ? `${progress}` : `${progress}/${total}`, message ?? '']
                  .join(' ')
                  .trim(),
              ),
          },
        );
      } catch (error) {
        signal.throwIfAborted();
        throw failureOf(error, LIMITS.callMs, ending());
      }
    },
    async close() {
      if (!isClosed) await leave?.().catch(() => {});
      await client.close().catch(() => {});
    },
  };
}

function takesAnything<T>(): JsonSchemaValidator<T> {
  return (input) => ({ valid: true, data: input as T, errorMessage: undefined });
}
