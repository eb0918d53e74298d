import type { ChatRequest } from '../fakes/model/request.ts';
import type { Scenario, ToolCall } from '../fakes/model/script.ts';

const call = (name: string, args: Record<string, unknown>): ToolCall => ({ name, arguments: args });

/** What the person says, turn by turn. */
export const PROMPTS = {
  ask: 'Add a JSON report for other programs: an option `--json`.',
  wait: 'Run the tests, then add the option.',
  stop: 'Now measure it with many trips.',
};

/** The answer that the person gives. */
export const EXACT = { label: 'Exact', description: 'All digits of the file; a program rounds as it likes.' };
export const QUESTION = {
  question: 'Should `--json` give distances as they are in the file, or rounded as the report shows them?',
  options: [
    EXACT,
    { label: 'One decimal', description: 'The figures of the report, so that both say the same.' },
  ],
};

/** What the agent says to the answer that the person gives, and to no other. */
export const KEPT = 'Then every digit stays.';

const JSON_WRITER = `/** The report for other programs: an object for each month, and the total. */
export function toJson(months, total) {
  return JSON.stringify({ months, total }, null, 2);
}
`;

export const TESTS = 'node --test';
/** Runs the tests, and then waits for the file `gate`. */
const GATED = `${TESTS}
until [ -e gate ]; do sleep 0.05; done
rm gate`;

/** What the last command of the scenario prints before it goes on for longer than any test. */
export const MEASURED = 'measured 3000 trips';
const MEASURE = `printf 'measured %s trips\\n' 1000 2000 3000
sleep 600
`;
export const ENDLESS = 'sh bench.sh';

/** What the tool that was called last gave the model. */
export const lastResult = ({ messages }: ChatRequest): string | undefined =>
  messages.findLast(({ role }) => role === 'tool')?.content;

/** Three turns of one task: one that asks, one that waits for a gate, one that has to be stopped. */
export const scenario: Scenario = [
  {
    steps: [
      {
        text: 'The report is put together in `src/cli.js`. What writes JSON gets a module of its own.',
        toolCalls: [call('write', { path: 'src/json.js', content: JSON_WRITER })],
      },
      { toolCalls: [call('ask_user', QUESTION)] },
      (request) => ({ text: lastResult(request)?.endsWith(EXACT.label) ? KEPT : 'Then it is one decimal.' }),

      { text: 'First the tests, as they are.', toolCalls: [call('bash', { command: GATED })] },
      { text: 'The tests ran, and I have read what came meanwhile.' },

      {
        text: 'A script makes the trips.',
        toolCalls: [call('write', { path: 'bench.sh', content: MEASURE })],
      },
      { toolCalls: [call('bash', { command: ENDLESS })] },
    ],
  },
];
