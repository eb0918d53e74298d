import type { NewEvent } from '../../server/protocol/events.ts';
import { created } from './story.ts';

/** A lead that has an executor, an explorer and a reviewer work; the executor's explorer has one of its own: four levels. */

const turnId = 'turn-1';
/** When the story begins, and how long each of its events takes, as `log` has it. */
export const START = Date.UTC(2026, 0, 5, 9, 30);
export const STEP = 400;
export const BLOB = 'b'.repeat(40);

export const EXECUTOR = `${turnId}:m1c0`;
export const EXPLORER = `${EXECUTOR}:m1c0`;
export const DEEPEST = `${EXPLORER}:m1c0`;
export const REVIEWER = `${turnId}:m1c1`;
export const READER = `${turnId}:m1c2`;

const parentOf = (id: string) => id.slice(0, id.lastIndexOf(':'));
const by = (id: string) => (id === turnId ? { turnId } : { turnId, agentId: id, parentId: parentOf(id) });
const agent = (id: string) => ({ turnId, agentId: id, parentId: parentOf(id) });

export const begins = (
  id: string,
  kind: 'explorer' | 'executor' | 'reviewer',
  description: string,
  role: string = kind,
): NewEvent[] => [
  {
    type: 'tool.started',
    ...by(parentOf(id)),
    ...{ callId: id, name: 'task', input: { role, description, prompt: `${description}, and say how.` } },
  },
  {
    type: 'agent.started',
    ...agent(id),
    ...{ role, kind, description, depth: id.split(':').length - 1, model: 'acme/swift-2' },
    deadlineAt: START + 900_000,
    budget: { modelCalls: 60, tokens: 3_000_000 },
    workspace: kind === 'executor' ? 'fork' : 'shared',
  },
];
const answers = (id: string): NewEvent => ({
  type: 'model.answered',
  ...by(id),
  ...{ messageId: `${id}:m1`, attempt: 1, text: '', toolCalls: [] },
  usage: { inputTokens: 12_000, outputTokens: 300, costMicros: 4100 },
});

/** All five at work, the deepest at a search. */
export const delegating: NewEvent[] = [
  created,
  { type: 'turn.started', turnId },
  { type: 'message.delivered', turnId, messageId: 'm1', text: 'Compute in cents everywhere.' },
  answers(turnId),
  ...begins(EXECUTOR, 'executor', 'Move the cart to cents'),
  ...begins(REVIEWER, 'reviewer', 'Look for what was missed'),
  ...begins(READER, 'explorer', 'Find who reads totals'),
  answers(EXECUTOR),
  ...begins(EXPLORER, 'explorer', 'List places that round'),
  answers(EXPLORER),
  ...begins(DEEPEST, 'explorer', 'See how the tax rounds', 'tax-expert'),
  answers(DEEPEST),
  {
    type: 'tool.started',
    ...by(DEEPEST),
    ...{ callId: `${DEEPEST}:m1c0`, name: 'grep', input: { pattern: 'round\\(' } },
  },
];

const ends = (
  id: string,
  outcome: 'completed' | 'over_budget',
  more: Pick<Extract<NewEvent, { type: 'agent.ended' }>, 'result' | 'error'>,
): NewEvent[] => [
  { type: 'agent.ended', ...agent(id), outcome, ...more },
  {
    type: 'tool.finished',
    ...by(parentOf(id)),
    ...{ callId: id, name: 'task', output: '…', isError: outcome !== 'completed', durationMs: 8000 },
  },
];

/** Each ended in a way of its own; what the reader found, the executor has changed. */
export const delegated: NewEvent[] = [
  ...delegating,
  {
    type: 'tool.finished',
    ...by(DEEPEST),
    ...{ callId: `${DEEPEST}:m1c0`, name: 'grep', output: 'src/vat.ts:7: round(x)', isError: false },
    durationMs: 8,
  },
  ...ends(DEEPEST, 'completed', {
    result: { kind: 'explorer', summary: 'Half up.', answer: 'Half up.', evidence: [] },
  }),
  ...ends(EXPLORER, 'over_budget', {
    error: {
      code: 'agent_over_budget',
      message: 'It has used up its 60 model calls.',
      nextAction: 'Ask for less at once.',
    },
  }),
  ...ends(READER, 'completed', {
    result: {
      kind: 'explorer',
      summary: 'Only the receipt does.',
      answer: 'Only the **receipt** does.',
      evidence: [
        { path: 'src/receipt.ts', startLine: 3, endLine: 9, blob: BLOB },
        { path: 'src/cart.ts', startLine: 1, endLine: 4, blob: BLOB },
      ],
    },
  }),
  ...ends(EXECUTOR, 'completed', {
    result: {
      ...{ kind: 'executor', summary: 'Totals are in cents.', changed: ['src/cart.ts', 'src/vat.ts'] },
      ...{ treeBefore: 'c'.repeat(40), treeAfter: 'd'.repeat(40) },
      checks: [{ command: 'npm test', outcome: 'passed', output: '' }],
    },
  }),
  {
    type: 'agent.merged',
    ...agent(EXECUTOR),
    ...{ headTree: 'd'.repeat(40), changed: ['src/cart.ts', 'src/vat.ts'], conflicts: ['src/vat.ts'] },
    isDiscarded: false,
  },
  {
    type: 'fact.staled',
    ...{ turnId, agentId: READER, path: 'src/cart.ts', blob: BLOB, now: 'e'.repeat(40), by: EXECUTOR },
  },
  ...ends(REVIEWER, 'completed', {
    result: {
      ...{ kind: 'reviewer', summary: 'One place was missed.' },
      findings: [
        { path: 'src/vat.ts', startLine: 7, endLine: 7, severity: 'blocker', text: 'Still rounds floats.' },
      ],
    },
  }),
  {
    type: 'context.cut',
    ...{ turnId, messageId: `${turnId}:m2`, evicted: [], summary: 'The person wants cents everywhere.' },
    ...{ tokensBefore: 130_000, tokensAfter: 24_000 },
  },
  { type: 'turn.ended', turnId, outcome: 'completed', usage: { inputTokens: 48_000, outputTokens: 1200 } },
];
