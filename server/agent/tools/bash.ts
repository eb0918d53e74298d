import * as z from 'zod';
import type { BoundedOutput, ExecResult } from '../../sandbox/sandbox.ts';
import { LIMITS } from './limits.ts';
import { defineTool, ToolProblem } from './tool.ts';

export const bash = defineTool({
  name: 'bash',
  description: `Runs a command with bash in the workspace. There is no terminal: commands that ask for input fail. Ends after ${LIMITS.bashTimeout} ms unless timeoutMs says otherwise; what was printed until then is returned. Long output keeps its beginning and end.`,
  input: z.object({
    command: z.string().min(1),
    cwd: z.string().min(1).optional().describe('Relative to the workspace.'),
    timeoutMs: z.number().int().min(1).max(LIMITS.bashTimeoutMost).optional(),
  }),
  writes: true,
  async run({ command, cwd, timeoutMs = LIMITS.bashTimeout }, { sandbox, callId, signal, showOutput }) {
    const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    const result = await sandbox.exec(
      {
        execId: callId,
        argv: ['bash', '-c', command],
        timeoutMs,
        maxOutputBytes: LIMITS.bashBytes,
        ...(cwd ? { cwd } : {}),
      },
      {
        signal,
        onOutput: ({ name, data }) => showOutput(name, decoders[name].decode(data, { stream: true })),
      },
    );
    const text = describe(result, timeoutMs);
    if (result.reason !== 'exit' || result.exitCode !== 0) throw new ToolProblem(text);
    return text;
  },
});

/** What was printed, and how it ended. A model must never take an interrupted command for a finished one. */
function describe({ stdout, stderr, exitCode, reason, durationMs }: ExecResult, timeoutMs: number): string {
  const printed = [join(stdout), join(stderr, '[stderr]\n')].filter((part) => part !== '').join('\n');
  const seconds = (durationMs / 1000).toFixed(1);
  const ending = {
    exit: exitCode === 0 ? '' : exitCode === null ? '[ended by a signal]' : `[exit code ${exitCode}]`,
    timeout: `[stopped after ${timeoutMs} ms: still running; the output is as far as it came. Use a longer timeoutMs or a smaller command.]`,
    cancelled: `[stopped by the user after ${seconds} s]`,
    lost: '[the sandbox was lost while this ran: whether and how far it took effect is unknown]',
  }[reason];
  if (printed === '' && ending === '') return '[no output, exit code 0]';
  return [printed, ending].filter((part) => part !== '').join('\n');
}

function join({ head, tail, omittedBytes }: BoundedOutput, label = ''): string {
  const decode = (data: Uint8Array): string => new TextDecoder().decode(data);
  if (head.byteLength + tail.byteLength === 0) return '';
  if (omittedBytes === 0) return label + trimEnd(decode(head) + decode(tail));
  return `${label}${decode(head)}\n[${omittedBytes} bytes left out here]\n${trimEnd(decode(tail))}`;
}

const trimEnd = (text: string): string => text.replace(/\n+$/, '');
