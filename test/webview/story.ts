import type { Setup, ToPanel } from '../../extension/chat/messages.ts';
import type { NewEvent, TaskEvent } from '../../server/protocol/events.ts';
import { emptyTask, reduce } from '../../server/protocol/reduce.ts';
import type { TaskState, TaskSummary } from '../../server/protocol/task.ts';

/** A whole task as its events tell it, for replaying: delegated, worked on, proposed. */

export const TASK_ID = 'task-1';
const START = Date.UTC(2026, 0, 5, 9, 30);
const tree = (digit: string) => digit.repeat(40);
const turnId = 'turn-1';

/** Numbers events from 1; each comes `step` milliseconds after the one before. */
export function log(events: NewEvent[], step = 400): TaskEvent[] {
  return events.map((event, index) => ({ ...event, seq: index + 1, at: START + index * step }));
}

export const ANSWER = `I found the cause: \`total()\` adds prices as **floats**, so cents are lost.

1. Prices are now integers of *cents*.
2. [\`src/money.ts\`](src/money.ts#L12) formats them.

\`\`\`ts
export function total(items: Item[]): number {
  // cents, not euros
  return items.reduce((sum, { cents }) => sum + cents, 0);
}
\`\`\`

See [the report](https://example.com/issues/7) for the cases.`;

const bashOutput = [
  '> cart@1.0.0 test',
  '> node --test',
  '',
  'ok 1 - adds cents exactly',
  'ok 2 - formats an amount',
  '# pass 2',
];

export const created: NewEvent = {
  type: 'task.created',
  taskId: TASK_ID,
  title: 'Fix the rounding of cart totals',
  source: {
    repository: 'https://github.com/acme/webshop.git',
    remote: 'https://github.com/acme/webshop.git',
    commit: 'f3a9c1d2'.repeat(5),
    branch: 'feature/cart-totals',
    overlayFiles: 3,
  },
};

const call = (
  callId: string,
  name: string,
  input: unknown,
  output: string,
  durationMs = 12,
  isError = false,
): NewEvent[] => [
  { type: 'tool.started', turnId, callId, name, input },
  { type: 'tool.finished', turnId, callId, name, output, isError, durationMs },
];

/** Up to a command that is still running. */
export const working: NewEvent[] = [
  created,
  { type: 'turn.started', turnId },
  {
    type: 'message.delivered',
    turnId,
    messageId: 'm1',
    text: 'Cart totals are off by a cent now and then. Find out why and fix it.',
  },
  { type: 'sandbox.changed', state: 'running' },
  {
    type: 'todos.changed',
    turnId,
    items: [
      { text: 'Find where totals are computed', status: 'completed' },
      { text: 'Compute in cents', status: 'in_progress' },
      { text: 'Cover it with tests', status: 'pending' },
    ],
  },
  ...call(
    'c1',
    'grep',
    { pattern: 'total\\(', path: 'src' },
    'src/cart.ts:4: export function total(items) {\nsrc/cart.ts:9: total(items)',
  ),
  ...call(
    'c2',
    'read',
    { path: 'src/cart.ts', offset: 1, limit: 40 },
    '1: import type { Item } from "./item";\n2: \n3: export function total(items) {',
  ),
  ...call('c3', 'read', { path: 'src/prices.ts' }, 'There is no file src/prices.ts.', 3, true),
  { type: 'text.delta', turnId, messageId: 'a1', attempt: 1, text: 'The sum is done in floating point. ' },
  { type: 'text.delta', turnId, messageId: 'a1', attempt: 1, text: 'I will compute in cents.' },
  {
    type: 'model.answered',
    turnId,
    messageId: 'a1',
    attempt: 1,
    text: 'The sum is done in floating point. I will compute in cents.',
    toolCalls: [],
    usage: {},
  },
  ...call(
    'c4',
    'edit',
    { path: 'src/cart.ts', oldText: 'sum + price', newText: 'sum + cents' },
    'Edited src/cart.ts.',
  ),
  ...call(
    'c5',
    'write',
    {
      path: 'test/cart.test.ts',
      content: "import test from 'node:test';\ntest('adds cents exactly', () => {});\n",
    },
    'Wrote test/cart.test.ts: 2 lines, 68 bytes.',
  ),
  { type: 'tool.started', turnId, callId: 'c6', name: 'bash', input: { command: 'npm test' } },
  {
    type: 'tool.output',
    turnId,
    callId: 'c6',
    stream: 'stdout',
    text: `${bashOutput.slice(0, 4).join('\n')}\n`,
  },
];

export const proposed = {
  type: 'proposal.changed',
  revision: 1,
  baseTree: tree('a'),
  headTree: tree('b'),
  files: [
    { path: 'src/cart.ts', status: 'modified', binary: false, additions: 4, deletions: 2 },
    { path: 'src/money.ts', status: 'added', binary: false, additions: 18, deletions: 0 },
    { path: 'test/cart.test.ts', status: 'added', binary: false, additions: 2, deletions: 0 },
    { path: 'docs/old-totals.md', status: 'deleted', binary: false, additions: 0, deletions: 31 },
  ],
} satisfies NewEvent;

export const finished: NewEvent[] = [
  ...working,
  {
    type: 'tool.finished',
    turnId,
    callId: 'c6',
    name: 'bash',
    output: bashOutput.join('\n'),
    isError: false,
    durationMs: 1240,
  },
  { type: 'text.delta', turnId, messageId: 'a2', attempt: 1, text: ANSWER.slice(0, 60) },
  { type: 'text.delta', turnId, messageId: 'a2', attempt: 1, text: ANSWER.slice(60) },
  { type: 'model.answered', turnId, messageId: 'a2', attempt: 1, text: ANSWER, toolCalls: [], usage: {} },
  {
    type: 'todos.changed',
    turnId,
    items: [
      { text: 'Find where totals are computed', status: 'completed' },
      { text: 'Compute in cents', status: 'completed' },
      { text: 'Cover it with tests', status: 'completed' },
    ],
  },
  proposed,
  { type: 'turn.ended', turnId, outcome: 'completed', usage: { inputTokens: 18_450, outputTokens: 1210 } },
];

export const failed: NewEvent[] = [
  ...working.slice(0, 11),
  {
    type: 'turn.ended',
    turnId,
    outcome: 'failed',
    error: {
      code: 'model_unavailable',
      message: 'The model did not answer after 5 attempts.',
      nextAction: 'Try again in a few minutes, or choose another model.',
    },
    usage: {},
  },
];

export const taskOf = (events: TaskEvent[], taskId = TASK_ID): TaskState =>
  events.reduce(reduce, emptyTask(taskId));

export const connected: Setup = {
  relay: 'connected',
  modelConfigured: true,
  workspace: 'ready',
  repository: 'webshop',
};

type Snapshot = Extract<ToPanel, { type: 'snapshot' }>;

export function snapshot(events: NewEvent[] | null, change: Partial<Snapshot> = {}): Snapshot {
  const task = events === null ? null : taskOf(log(events));
  return { type: 'snapshot', view: task ? 'task' : 'new', task, tasks: [], setup: connected, ...change };
}

export const summaries: TaskSummary[] = (
  [
    ['Fix the rounding of cart totals', 'running', 4, 60_000],
    ['Move the checkout to the new payment API', 'completed', 17, 3_600_000],
    ['Upgrade the linter and mend what it finds', 'failed', 0, 86_400_000],
    ['Document the release steps', 'stopped', 1, 3 * 86_400_000],
  ] as const
).map(([title, status, changedFiles, age], index) => ({
  taskId: `task-${index + 1}`,
  seq: 10,
  title,
  status,
  createdAt: Date.now() - age,
  updatedAt: Date.now() - age,
  repository: 'https://github.com/acme/webshop.git',
  changedFiles,
  ...(index === 1 ? { pullRequestUrl: 'https://github.com/acme/webshop/pull/12' } : {}),
}));
