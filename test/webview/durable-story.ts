import type { NewEvent } from '../../server/protocol/events.ts';
import { finished, proposed, working } from './story.ts';

/** What happens to a task that outlives its turn's process: it asks, waits, is stopped, is checked, and sends explorers. */

const turnId = 'turn-1';

export const QUESTION = {
  questionId: 'q1',
  question: 'Prices come as **strings** in `legacy.csv`. How should those be read?',
  options: [
    { label: 'Convert them', description: 'Rounds half a cent up, as the shop does now.' },
    { label: 'Refuse them', description: 'The import fails and names the line.' },
    { label: 'Leave them out' },
  ],
  freeText: true,
};

/** Up to a question that the turn waits for. */
export const asking: NewEvent[] = [
  ...working.slice(0, 14),
  {
    type: 'tool.started',
    turnId,
    callId: 'q1',
    name: 'ask_user',
    input: { question: QUESTION.question, options: QUESTION.options, freeText: true },
  },
  { type: 'question.asked', turnId, ...QUESTION },
  { type: 'turn.parked', turnId },
];

export const answered: NewEvent[] = [
  { type: 'question.answered', turnId, questionId: 'q1', answer: { kind: 'choice', label: 'Convert them' } },
  { type: 'turn.continued', turnId },
  {
    type: 'tool.finished',
    ...{ turnId, callId: 'q1', name: 'ask_user', output: 'Convert them', isError: false, durationMs: 9000 },
  },
];

export const waiting: NewEvent[] = [
  ...working.slice(0, 14),
  {
    type: 'turn.waiting',
    turnId,
    reason: {
      code: 'disk_full',
      message: 'The disk of the relay is full.',
      nextAction: 'Make room on it: the task goes on by itself.',
    },
  },
];

export const queued: NewEvent[] = [
  ...working,
  { type: 'message.queued', messageId: 'm2', text: 'Also the discount codes' },
  { type: 'message.queued', messageId: 'm3', text: 'And say in the changelog what changed' },
];

const by = { turnId, agentId: 'x1', parentId: turnId };
const ofExplorer = { ...by, messageId: 'x1/a1', attempt: 1 };

/** Up to a subagent that is at its second step. */
export const exploring: NewEvent[] = [
  ...working.slice(0, 4),
  {
    type: 'tool.started',
    turnId,
    callId: 'x1',
    name: 'task',
    input: {
      description: 'Find every place that rounds',
      prompt: 'List each file and line where an amount is rounded, and how.',
    },
  },
  { type: 'text.delta', ...ofExplorer, text: 'I look for calls of round.' },
  {
    type: 'model.answered',
    ...{ ...ofExplorer, text: 'I look for calls of round.', toolCalls: [], usage: {} },
  },
  { type: 'tool.started', ...by, callId: 'x1/c1', name: 'grep', input: { pattern: 'round\\(' } },
  {
    type: 'tool.finished',
    ...{ ...by, callId: 'x1/c1', name: 'grep', output: 'src/vat.ts:7: round(x)', isError: false },
    durationMs: 8,
  },
  { type: 'tool.started', ...by, callId: 'x1/c2', name: 'read', input: { path: 'src/vat.ts' } },
];

export const explored: NewEvent[] = [
  ...exploring,
  {
    type: 'tool.finished',
    ...{ ...by, callId: 'x1/c2', name: 'read', output: '7: return round(x);', isError: false, durationMs: 2 },
  },
  {
    type: 'tool.finished',
    ...{ turnId, callId: 'x1', name: 'task', isError: false, durationMs: 21_000 },
    output: 'One place: `src/vat.ts:7` rounds half up.',
  },
];

/** Stopped while a command ran and a subagent was at work; one file had been changed. */
export const stopped: NewEvent[] = [
  ...working.slice(0, -1),
  ...exploring.slice(4),
  { ...proposed, files: proposed.files.slice(0, 1) },
  { type: 'turn.stopping', turnId },
  {
    type: 'tool.finished',
    ...{ turnId, callId: 'c6', name: 'bash', isError: true, durationMs: 3000 },
    output: 'ok 1 - adds cents exactly\n[stopped by the user after 3 s]',
  },
  { type: 'turn.ended', turnId, outcome: 'stopped', usage: {} },
];

export const checked: NewEvent[] = [
  ...finished,
  { type: 'check.started', turnId, name: 'lint', command: 'npm run lint' },
  {
    type: 'check.finished',
    ...{ turnId, name: 'lint', outcome: 'passed', output: 'All matched files are fine.', durationMs: 2100 },
  },
  { type: 'check.started', turnId, name: 'types', command: 'npx tsc --noEmit' },
  {
    type: 'check.finished',
    ...{ turnId, name: 'types', outcome: 'failed', durationMs: 6400 },
    output: "src/cart.ts(4,3): error TS2322: Type 'string' is not assignable to type 'number'.",
  },
  { type: 'check.started', turnId, name: 'test', command: 'npm test -- --all' },
];
