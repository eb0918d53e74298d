import assert from 'node:assert/strict';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';
import type { TraceSpan } from '../../../server/protocol/trace.ts';
import { hidden } from '../../../server/tracing/content.ts';
import { spansOf } from '../../../server/tracing/spans.ts';
import { treeText } from '../../../server/tracing/tree.ts';

const T = 'turn';
const [A, B] = [`${T}:m1c0`, `${T}:m1c0:m1c0`];
const [OF_A, OF_B] = [
  { turnId: T, agentId: A, parentId: T },
  { turnId: T, agentId: B, parentId: A },
];
const log = (events: NewEvent[]): TaskEvent[] =>
  events.map((event, index) => ({ ...event, seq: index + 1, at: 1000 + index * 100 }) as TaskEvent);
const traced = { taskId: 'task', turnId: T, withContent: false };

const called = (of: object, messageId: string, attempt = 1, model = 'acme/swift-2') =>
  ({ type: 'model.called', turnId: T, ...of, messageId, attempt, model }) satisfies NewEvent;
const answered = (of: object, messageId: string, calls: string[], text = '') =>
  ({
    ...{ type: 'model.answered', turnId: T, ...of, messageId, attempt: 1, text, model: 'acme/swift-2' },
    toolCalls: calls.map((callId) => ({ callId, name: 'task', input: {} })),
    usage: { inputTokens: 100, outputTokens: 10, cachedInputTokens: 60, costMicros: 500 },
  }) satisfies NewEvent;
const started = (agentId: string, of: object, role: string): NewEvent[] => [
  { type: 'tool.started', turnId: T, ...of, callId: agentId, name: 'task', input: { prompt: 'the words' } },
  {
    ...{ type: 'agent.started', turnId: T, agentId, parentId: agentId.slice(0, agentId.lastIndexOf(':')) },
    ...{ role, kind: 'explorer', description: 'the words', depth: 1, model: 'acme/swift-2', deadlineAt: 9 },
    ...{ budget: { modelCalls: 9 }, workspace: 'shared' },
  },
];

/** A lead, its explorer, and that one's: which is over its budget. The explorer's first call was tried twice. */
const TREE = log([
  { type: 'turn.started', turnId: T },
  { type: 'message.delivered', turnId: T, messageId: 'm', text: 'the words' },
  called({}, `${T}:m1`),
  answered({}, `${T}:m1`, [A], 'the words'),
  ...started(A, {}, 'explorer'),
  called(OF_A, `${A}:m1`),
  {
    ...{ type: 'model.retried', ...OF_A, messageId: `${A}:m1`, attempt: 1, delayMs: 9, next: 'beta/slow' },
    reason: { code: 'model_unavailable', message: 'the words' },
  },
  called(OF_A, `${A}:m1`, 2, 'beta/slow'),
  answered(OF_A, `${A}:m1`, [B]),
  ...started(B, OF_A, 'tax-expert'),
  {
    type: 'tool.started',
    ...OF_B,
    callId: `${B}:m1c0`,
    name: 'mcp__tracker__find',
    input: { a: 'the words' },
  },
  {
    ...{ type: 'tool.finished', ...OF_B, callId: `${B}:m1c0`, name: 'mcp__tracker__find' },
    ...{ output: 'the words', isError: true, durationMs: 1 },
  },
  {
    ...{ type: 'agent.ended', ...OF_B, outcome: 'over_budget' },
    error: { code: 'agent_over_budget', message: 'the words' },
  },
  {
    type: 'tool.finished',
    ...OF_A,
    callId: B,
    name: 'task',
    output: 'the words',
    isError: true,
    durationMs: 1,
  },
  { type: 'turn.ended', turnId: T, outcome: 'stopped', usage: {} },
  { type: 'turn.started', turnId: 'another' },
]);

const named = (spans: TraceSpan[]) => {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ name, parentSpanId = '', error }) => [name, names.get(parentSpanId), error]);
};

describe('the trace of a turn', () => {
  it('has each agent below the call that it works for, its calls below it, and what failed as failed', () => {
    assert.deepEqual(named(spansOf(TREE, traced)), [
      ['invoke_agent lead', undefined, undefined],
      ['chat swift-2', 'invoke_agent lead', undefined],
      ['execute_tool task', 'invoke_agent lead', 'interrupted'],
      ['invoke_agent explorer', 'execute_tool task', 'interrupted'],
      ['chat swift-2', 'invoke_agent explorer', undefined],
      ['execute_tool task', 'invoke_agent explorer', 'tool_error'],
      ['invoke_agent tax-expert', 'execute_tool task', 'agent_over_budget'],
      ['execute_tool mcp__tracker__find', 'invoke_agent tax-expert', 'tool_error'],
    ]);
  });

  it('names what the conventions name, and counts usage for each agent that a call works for', () => {
    const [lead, chat, , explorer, tried, , , tool] = spansOf(TREE, traced);
    const usage = (calls: number) => ({
      'gen_ai.usage.input_tokens': 100 * calls,
      'gen_ai.usage.output_tokens': 10 * calls,
      'gen_ai.usage.cache_read.input_tokens': 60 * calls,
      'handoff.usage.cost_micros': 500 * calls,
    });
    const model = { 'gen_ai.provider.name': 'acme', 'gen_ai.request.model': 'swift-2' };
    assert.deepEqual(lead?.attributes, {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.id': T,
      'gen_ai.agent.name': 'lead',
      'gen_ai.conversation.id': 'task',
      'handoff.outcome': 'stopped',
      ...usage(2),
    });
    const said = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.conversation.id': 'task',
      ...model,
      'gen_ai.response.model': 'swift-2',
      'gen_ai.response.finish_reasons': ['tool_call'],
      ...usage(1),
    };
    assert.deepEqual(
      [chat?.kind, chat?.startAt, chat?.endAt, chat?.events, chat?.attributes],
      ['client', 1200, 1300, [], said],
    );
    assert.deepEqual(explorer?.attributes, {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.id': A,
      'gen_ai.agent.name': 'explorer',
      'gen_ai.conversation.id': 'task',
      ...model,
      'handoff.agent.kind': 'explorer',
      'handoff.agent.depth': 1,
      ...usage(1),
      'error.type': 'interrupted',
    });
    const retry = { attempt: 1, 'error.type': 'model_unavailable', 'handoff.next_model': 'beta/slow' };
    assert.deepEqual(tried?.events, [
      { name: 'handoff.retry', at: 1700, attributes: retry },
      { name: 'handoff.attempt', at: 1800, attributes: { attempt: 2, 'gen_ai.request.model': 'slow' } },
    ]);
    assert.deepEqual(tool?.attributes, {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'mcp__tracker__find',
      'gen_ai.tool.call.id': `${B}:m1c0`,
      'gen_ai.tool.type': 'extension',
      'error.type': 'tool_error',
    });
  });

  it('has the same ids whenever it is made, and in each turn others', () => {
    const ids = (spans: TraceSpan[]) => spans.map(({ traceId, spanId }) => `${traceId}-${spanId}`);
    const [once, again] = [ids(spansOf(TREE, traced)), ids(spansOf(TREE.slice(0, -1), traced))];
    assert.deepEqual(once, again);
    assert.equal(new Set(once).size, once.length);
    const [other] = spansOf(TREE, { ...traced, turnId: 'another' });
    assert.ok(other && other.traceId !== once[0]?.split('-')[0]);
  });

  it('has nobody’s words unless the owner wants them, and then no credential', () => {
    assert.ok(!JSON.stringify(spansOf(TREE, traced)).includes('the words'));
    const spans = spansOf(TREE, { ...traced, withContent: true });
    assert.deepEqual(
      [
        spans[0]?.events[0]?.attributes,
        spans[1]?.attributes['gen_ai.output.messages'],
        spans[2]?.attributes['gen_ai.tool.call.arguments'],
        spans[3]?.attributes['gen_ai.agent.description'],
        spans[7]?.attributes['gen_ai.tool.call.result'],
      ],
      [
        { 'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"the words"}]}]' },
        `[{"role":"assistant","parts":[{"type":"text","content":"the words"},{"type":"tool_call","id":"${A}","name":"task","arguments":{}}]}]`,
        '{"prompt":"the words"}',
        'the words',
        'the words',
      ],
    );
    const token = `ghp_${'a1B2c3D4e5'.repeat(4)}`;
    assert.equal(hidden(`it is ${token}, twice: ${token}.`), 'it is [github-token], twice: [github-token].');
  });

  it('can be read in a terminal', () => {
    assert.equal(
      treeText(spansOf(TREE, traced)),
      `invoke_agent lead  1.6 s  200 in (120 cached), 20 out  $0.0010  stopped
├ chat swift-2  100 ms  100 in (60 cached), 10 out  $0.0005
└ execute_tool task  1.2 s  interrupted
  └ invoke_agent explorer  1.1 s  100 in (60 cached), 10 out  $0.0005  interrupted
    ├ chat swift-2  300 ms  100 in (60 cached), 10 out  $0.0005  1 retry
    └ execute_tool task  500 ms  tool_error
      └ invoke_agent tax-expert  300 ms  over_budget  agent_over_budget
        └ execute_tool mcp__tracker__find  100 ms  tool_error
`,
    );
  });
});
