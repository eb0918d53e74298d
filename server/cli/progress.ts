import type { EventOf, TaskEvent, TaskEventType } from '../protocol/events.ts';

/** The longest line that is shown of a tool's input, in characters. */
const SUMMARY_LENGTH = 100;

type Shown = { [Type in TaskEventType]?: (event: EventOf<Type>) => string };

/**
 * A task's events as lines for a person: the lead's words as they come, one line a tool; of a subagent its tools only.
 * @returns a function from event to text to print; it remembers whether a line is open
 */
export function createProgress(): (event: TaskEvent) => string {
  let lineOpen = false;
  const line = (text: string) => `${lineOpen ? '\n' : ''}${text}\n`;
  const shown: Shown = {
    'turn.waiting': ({ reason }) => line(`! ${reason.message} ${reason.nextAction ?? ''}`.trimEnd()),
    'sandbox.changed': ({ state, detail }) => line(`  sandbox ${state}${detail ? `: ${detail}` : ''}`),
    'setup.started': ({ command }) => line(`  setting up: ${oneLine(command)}`),
    'setup.finished': ({ outcome, durationMs }) =>
      outcome === 'cached' ? '' : line(`  setup ${outcome} after ${(durationMs / 1000).toFixed(1)} s`),
    'environment.noted': ({ text }) => line(`! ${oneLine(text)}`),
    'text.delta': ({ agentId, text }) => (agentId === undefined ? text : ''),
    'model.answered': ({ agentId }) => (lineOpen && agentId === undefined ? '\n' : ''),
    'model.retried': ({ reason, delayMs }) =>
      line(`! ${reason.message} Trying again in ${Math.ceil(delayMs / 1000)} s.`),
    'tool.started': ({ agentId, name, input }) =>
      line(`${agentId === undefined ? '' : '  '}> ${name} ${summarize(input)}`.trimEnd()),
    'tool.finished': ({ name, output, isError }) =>
      isError ? line(`! ${name}: ${oneLine(output.split('\n')[0] ?? '')}`) : '',
    'check.finished': ({ name, outcome }) => line(`  check ${oneLine(name)} ${outcome}`),
    'fix.requested': () => line('  the agent is told of the checks that failed'),
    'message.queued': ({ text }) => line(`queued: ${oneLine(text)}`),
    'proposal.changed': ({ files }) => line(`  ${files.length} file${files.length === 1 ? '' : 's'} changed`),
  };
  return (event) => {
    const show = shown[event.type] as ((event: TaskEvent) => string) | undefined;
    const text = printable(show?.(event) ?? '');
    if (text !== '') lineOpen = !text.endsWith('\n');
    return text;
  };
}

/** The part of a tool's input by which a person knows what it is about. */
function summarize(input: unknown): string {
  if (typeof input !== 'object' || input === null) return '';
  const values = new Map(Object.entries(input));
  for (const name of ['command', 'path', 'pattern', 'query', 'description', 'question']) {
    const value = values.get(name);
    if (typeof value === 'string') return oneLine(value);
  }
  return oneLine(JSON.stringify(input));
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > SUMMARY_LENGTH ? `${line.slice(0, SUMMARY_LENGTH - 1)}…` : line;
}

/**
 * What a model or a file says must not move the cursor, change the terminal, or turn around how what stands beside it is shown. Keeps line
 * ends and tabs.
 */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '');
}
