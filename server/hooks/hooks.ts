import type { HookConfig } from '../protocol/repository-config.ts';
import type { ExecResult } from '../sandbox/sandbox.ts';

/** Figures of hooks, each with its reason. */
export const LIMITS = {
  /** Bytes of what a hook prints that the model or the person reads: a linter's first complaints, not its whole log. */
  output: 8_000,
} as const;

/** By this exit code a hook refuses the call that it runs before; any other failure is its own. */
const REFUSES = 2;

/** What the model reads of a hook that something else ended, twice. */
const CUT_OFF = '[it was ended before it could say anything. Make the call again.]';

/** What a hook came to. `output` is what it printed, bounded. */
export interface HookEnd {
  outcome: 'passed' | 'blocked' | 'failed';
  output: string;
}

/** Whether a hook wants to run around calls of this tool. */
export function concerns({ tools }: HookConfig, name: string): boolean {
  return (
    tools === undefined ||
    tools.some((wanted) => (wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted))
  );
}

/**
 * How a hook's command ended. One that is broken or slow does not refuse anything: it would keep the agent from mending what breaks it,
 * and the person is told. One that was ended from outside, in a turn that goes on, refuses: nobody knows what it would have said.
 */
export function endOf({ on, timeoutMs }: HookConfig, result: ExecResult): HookEnd {
  const { exitCode, reason, stdout, stderr } = result;
  if (reason === 'exit' && exitCode === 0) return { outcome: 'passed', output: printed(stdout) };
  if (reason === 'exit' && exitCode === REFUSES && on === 'before_tool')
    return { outcome: 'blocked', output: lines(printed(stdout), printed(stderr)) };
  if (reason === 'cancelled' && on === 'before_tool') return { outcome: 'blocked', output: CUT_OFF };
  const why = {
    exit: exitCode === null ? '[ended by a signal]' : `[exit code ${exitCode}]`,
    timeout: `[stopped after ${timeoutMs} ms]`,
    cancelled: '[stopped]',
    lost: '[the sandbox was lost while this ran]',
  }[reason];
  return { outcome: 'failed', output: lines(printed(stdout), printed(stderr), why) };
}

/** What the model reads instead of a result. */
export const refusal = ({ name }: HookConfig, output: string): string =>
  `The repository's hook ${name} refuses this call, and it was not made.${output === '' ? '' : ` It says:\n${output}`}`;

/** What the model reads behind a result. */
export const addition = ({ name }: HookConfig, output: string): string => `\n[hook ${name}]\n${output}`;

const lines = (...parts: string[]): string => parts.filter((part) => part !== '').join('\n');

function printed({ head, tail, omittedBytes }: ExecResult['stdout']): string {
  const decode = (data: Uint8Array): string => new TextDecoder().decode(data);
  const whole = Buffer.concat([head, tail]);
  const text =
    omittedBytes === 0
      ? decode(whole)
      : `${decode(head)}\n[${omittedBytes} bytes left out here]\n${decode(tail)}`;
  return text.trim();
}
