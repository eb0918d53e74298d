import * as z from 'zod';
import type { BoundedOutput, ExecResult, Sandbox } from '../../sandbox/sandbox.ts';
import { watchForQuestion } from './asking-command.ts';
import { execIdOf, handleOf } from './handle.ts';
import { LIMITS } from './limits.ts';
import { defineTool, ToolProblem } from './tool.ts';

export const bash = defineTool({
  name: 'bash',
  description: `Runs a command with bash in the workspace. Nobody answers it: a command that asks for input fails or is stopped. Ends after ${LIMITS.bashTimeout} ms unless timeoutMs says otherwise, with what it printed until then. Long output keeps its beginning and end, and says how to read the rest. With background it goes on beside you, until you stop it or your turn ends.`,
  input: z.object({
    command: z.string().min(1),
    cwd: z.string().min(1).optional().describe('Relative to the workspace.'),
    timeoutMs: z.number().int().min(1).max(LIMITS.bashTimeoutMost).optional(),
    background: z.boolean().optional().describe('For servers and the like: returns at once with a handle.'),
  }),
  writes: true,
  mustSettle: true,
  async run({ command, cwd, timeoutMs, background = false }, { sandbox, callId, signal, showOutput }) {
    const request = {
      execId: execIdOf(callId, background),
      argv: ['bash', '-c', command],
      maxOutputBytes: LIMITS.bashBytes,
      ...(cwd ? { cwd } : {}),
    };
    if (background) {
      const most = timeoutMs ?? LIMITS.bashBackground;
      const ended = await endedSoon(sandbox, { ...request, timeoutMs: most });
      return ended ? told(describe(ended, callId, most, false), ended) : inBackground(callId);
    }
    const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    using question = watchForQuestion();
    const most = timeoutMs ?? LIMITS.bashTimeout;
    const result = await sandbox.exec(
      { ...request, timeoutMs: most },
      {
        signal: AbortSignal.any([signal, question.signal]),
        onOutput({ name, data }) {
          const text = decoders[name].decode(data, { stream: true });
          question.printed(text);
          showOutput(name, text);
        },
      },
    );
    return told(describe(result, callId, most, signal.aborted), result);
  },
});

function told(text: string, { reason, exitCode }: ExecResult): string {
  if (reason !== 'exit' || exitCode !== 0) throw new ToolProblem(text);
  return text;
}

const inBackground = (callId: string): string =>
  `It runs in the background. What it prints, and whether it still runs: read ${handleOf(callId, 'stdout')} or ${handleOf(callId, 'stderr')}. To end it: stop_command ${handleOf(callId)}. The end of your turn ends it, too.`;

/** Starts a command, or attaches to it. @returns how it ended, where it did so at once */
async function endedSoon(
  sandbox: Sandbox,
  request: Parameters<Sandbox['exec']>[0],
): Promise<ExecResult | undefined> {
  const running = sandbox.exec(request, { isBackground: true });
  // Nobody waits for its end: it is asked for where the log is read.
  running.catch(() => {});
  const look = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => look.resolve(undefined), LIMITS.bashBackgroundLook);
  try {
    const ended = await Promise.race([running, look.promise]);
    // It may be told of only once the sandbox has it: whoever goes on after a crash finds it running then.
    if (!ended) await sandbox.readOutput(request.execId, 'stdout', { offset: 0, length: 0 });
    return ended;
  } finally {
    clearTimeout(timer);
  }
}

/** What was printed, and how it ended. A model must never take an interrupted command for a finished one. */
function describe(
  { stdout, stderr, exitCode, reason, durationMs }: ExecResult,
  callId: string,
  timeoutMs: number,
  isStopped: boolean,
): string {
  const printed = [
    join(stdout, handleOf(callId, 'stdout')),
    join(stderr, handleOf(callId, 'stderr'), '[stderr]\n'),
  ]
    .filter((part) => part !== '')
    .join('\n');
  const seconds = (durationMs / 1000).toFixed(1);
  const ending = {
    exit: exitCode === 0 ? '' : exitCode === null ? '[ended by a signal]' : `[exit code ${exitCode}]`,
    timeout: `[stopped after ${timeoutMs} ms: still running; the output is as far as it came. Use a longer timeoutMs, background, or a smaller command.]`,
    cancelled: isStopped ? `[stopped by the user after ${seconds} s]` : ASKED_FOR_INPUT,
    lost: '[the sandbox was lost while this ran: whether and how far it took effect is unknown]',
  }[reason];
  if (printed === '' && ending === '') return '[no output, exit code 0]';
  return [printed, ending].filter((part) => part !== '').join('\n');
}

const ASKED_FOR_INPUT =
  "[stopped: it waits for an answer, and there is nobody to give one. Use an option that answers for it (such as --yes), or give the answer on its standard input: printf 'y\\n' | command]";

function join({ head, tail, omittedBytes }: BoundedOutput, handle: string, label = ''): string {
  const decode = (data: Uint8Array): string => new TextDecoder().decode(data);
  if (head.byteLength + tail.byteLength === 0) return '';
  if (omittedBytes === 0) return label + trimEnd(decode(head) + decode(tail));
  const start = decode(head);
  const line = start.split('\n').length;
  return `${label}${start}\n[${omittedBytes} bytes left out here, from line ${line} on: read ${handle} with offset ${line}]\n${trimEnd(decode(tail))}`;
}

const trimEnd = (text: string): string => text.replace(/\n+$/, '');
