import assert from 'node:assert/strict';
import { traceTask } from '../../../server/cli/commands/tasks-trace.ts';
import type { TraceSpan } from '../../../server/protocol/trace.ts';
import { recordTerminal } from './terminal.ts';

describe('the trace of a task in the terminal', () => {
  const span: TraceSpan = {
    ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'invoke_agent lead', kind: 'internal' },
    ...{ startAt: 1000, endAt: 2500, attributes: { 'handoff.outcome': 'failed' }, events: [] },
    error: 'model_unavailable',
  };
  /** A tool's name is a server's word. */
  const below: TraceSpan = {
    ...{
      ...span,
      spanId: 'c'.repeat(16),
      parentSpanId: span.spanId,
      name: 'execute_tool mcp__x__\u001b[31mred',
    },
    ...{ endAt: 1200, attributes: {} },
    error: 'tool_error',
  };
  const relay = async () => ({ trace: async () => ({ spans: [span, below] }) });

  it('is a tree, without what would steer the terminal', async () => {
    const terminal = recordTerminal();
    await traceTask(relay, ['t'], { json: false }, terminal);
    assert.deepEqual(terminal.written, {
      out: 'invoke_agent lead  1.5 s  failed  model_unavailable\n└ execute_tool mcp__x__[31mred  200 ms  tool_error\n',
      err: '',
    });
  });

  it('is the spans themselves as JSON', async () => {
    const terminal = recordTerminal();
    await traceTask(relay, ['t'], { json: true }, terminal);
    assert.deepEqual(JSON.parse(terminal.written.out), { spans: [span, below] });
  });
});
