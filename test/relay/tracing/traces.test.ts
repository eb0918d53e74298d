import assert from 'node:assert/strict';
import { treeText } from '../../../server/tracing/tree.ts';
import { type CollectedSpan, type Collector, startCollector } from '../../fakes/collector.ts';
import { call, child, found, task } from '../../fakes/model/agents.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const attribute = (span: CollectedSpan | undefined, name: string) => span?.attributes[name];

describe('what a collector is told of a turn', function () {
  this.timeout(90_000);
  let workshop: Workshop;
  let collector: Collector;
  afterEach(async () => {
    await workshop.close();
    await collector.close();
  });

  it('is the whole tree of its agents, with what each used and cost, under ids that a second telling repeats', async () => {
    collector = await startCollector();
    workshop = await openWorkshop(
      [
        child('Look deeper', found('Answer', 'README.md')),
        child('Look', { toolCalls: [task('Look deeper')] }, found('Answer', 'README.md')),
        {
          steps: [
            { toolCalls: [call('read', { path: 'README.md' }), task('Look')] },
            { text: 'The secret word.' },
          ],
        },
      ],
      {
        HANDOFF_OTLP_URL: collector.url,
        HANDOFF_OTLP_HEADERS: '{"authorization": "Bearer of-the-collector"}',
        HANDOFF_MODEL_PRICE: '{"input": 2, "output": 10}',
      },
    );
    collector.fail(true);
    const taskId = await workshop.delegate('Find the secret word');
    const ended = await workshop.watch(taskId).until('turn.ended');
    // It dies while it tells: the next one tells it again, whole.
    await collector.until((told) => told.length > 0);
    await workshop.kill();
    collector.fail(false);
    const before = collector.told.length;
    await workshop.start();
    const told = await collector.until((all) => all.length > before);

    const [first, last] = [told[0], told.at(-1)];
    assert.deepEqual(
      [last?.path, last?.authorization, last?.resource['service.name']],
      ['/v1/traces', 'Bearer of-the-collector', 'handoff'],
    );
    assert.deepEqual(first?.spans, last?.spans);
    const spans = last?.spans ?? [];
    const name = (id: string | undefined) => spans.find(({ spanId }) => spanId === id)?.name;
    assert.deepEqual(
      spans.map((span) => [span.name, name(span.parentSpanId)]),
      [
        ['invoke_agent lead', undefined],
        ['chat fake-model', 'invoke_agent lead'],
        ['execute_tool read', 'invoke_agent lead'],
        ['execute_tool task', 'invoke_agent lead'],
        ['invoke_agent explorer', 'execute_tool task'],
        ['chat fake-model', 'invoke_agent explorer'],
        ['execute_tool task', 'invoke_agent explorer'],
        ['invoke_agent explorer', 'execute_tool task'],
        ['chat fake-model', 'invoke_agent explorer'],
        ['execute_tool report', 'invoke_agent explorer'],
        ['chat fake-model', 'invoke_agent explorer'],
        ['execute_tool report', 'invoke_agent explorer'],
        ['chat fake-model', 'invoke_agent lead'],
      ],
    );
    assert.deepEqual(
      spans.map(({ status }) => status.code),
      spans.map(() => 0),
    );
    const [lead] = spans;
    const chats = spans.filter((span) => attribute(span, 'gen_ai.operation.name') === 'chat');
    const sum = (key: string) => chats.reduce((all, span) => all + Number(attribute(span, key)), 0);
    const keys = ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens', 'handoff.usage.cost_micros'];
    assert.deepEqual(
      keys.map((key) => attribute(lead, key)),
      [ended.usage.inputTokens, ended.usage.outputTokens, ended.usage.costMicros],
    );
    assert.deepEqual(
      keys.map((key) => attribute(lead, key)),
      keys.map(sum),
    );
    assert.ok(!JSON.stringify(told).includes('secret word'), 'nobody’s words');

    const trace = await workshop.client.trace(taskId);
    assert.deepEqual(
      trace.spans.map(({ spanId }) => spanId),
      spans.map(({ spanId }) => spanId),
    );
    assert.match(treeText(trace.spans), /^invoke_agent lead .*\n├ chat fake-model .*\n├ execute_tool read /);
    assert.ok(!workshop.log().includes('of-the-collector'));
  });
});
