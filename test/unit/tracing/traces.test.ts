import assert from 'node:assert/strict';
import * as z from 'zod';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import type { EventLog } from '../../../server/tasks/event-log.ts';
import { tracingChoice, tracingSettings } from '../../../server/tracing/settings.ts';
import { createTraces, type TracingChoice } from '../../../server/tracing/traces.ts';
import { type Collector, startCollector } from '../../fakes/collector.ts';
import { logLines } from '../aftermath/log-lines.ts';

const TURN = { taskId: 'task', turnId: 'turn' };
const EVENTS: TaskEvent[] = [
  { type: 'turn.started', turnId: 'turn', seq: 1, at: 1_000_000_000_000 },
  { type: 'turn.ended', turnId: 'turn', outcome: 'completed', usage: {}, seq: 2, at: 1_000_000_000_500 },
];
const unused = () => assert.fail('not part of this test');
const log: EventLog = {
  ...{ append: unused, find: unused, findAll: unused, follow: unused },
  read: async (_taskId, after) => EVENTS.filter(({ seq }) => seq > after),
};
const parse = (settings: Record<string, unknown>): TracingChoice =>
  tracingChoice(z.object(tracingSettings).parse(settings));

describe('telling a collector of a turn', () => {
  let collector: Collector;
  const before = process.env['OTEL_EXPORTER_OTLP_HEADERS'];
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(async () => {
    if (before === undefined) delete process.env['OTEL_EXPORTER_OTLP_HEADERS'];
    else process.env['OTEL_EXPORTER_OTLP_HEADERS'] = before;
    await collector.close();
  });

  async function tell(tracing: TracingChoice, patienceMs?: number) {
    const { logger, lines } = logLines();
    const traces = createTraces({
      log,
      tracing,
      logger,
      ...(patienceMs === undefined ? {} : { patienceMs }),
    });
    await traces.export(TURN);
    return lines;
  }

  it('says all of it, in the form of its published protocol', async () => {
    assert.deepEqual(await tell(parse({ HANDOFF_OTLP_URL: collector.url })), []);
    const [told] = collector.told;
    const [span] = told?.spans ?? [];
    assert.deepEqual(
      [told?.path, told?.resource['service.name'], told?.spans.length],
      ['/v1/traces', 'handoff', 1],
    );
    assert.deepEqual(
      [
        span?.name,
        span?.kind,
        span?.startTimeUnixNano,
        span?.endTimeUnixNano,
        span?.status,
        span?.attributes,
      ],
      [
        ...['invoke_agent lead', 1, '1000000000000000000', '1000000000500000000', { code: 0 }],
        {
          'gen_ai.operation.name': 'invoke_agent',
          'gen_ai.agent.id': 'turn',
          'gen_ai.agent.name': 'lead',
          'gen_ai.conversation.id': 'task',
          'handoff.outcome': 'completed',
        },
      ],
    );
  });

  it('gives credentials to the collector that they are for, and to no other', async () => {
    process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'authorization=Bearer%20of-another';
    await tell(parse({ HANDOFF_OTLP_URL: collector.url }));
    await tell(parse({ HANDOFF_OTLP_URL: collector.url, HANDOFF_OTLP_HEADERS: '{"authorization": "ours"}' }));
    const headers = process.env['OTEL_EXPORTER_OTLP_HEADERS'];
    await tell(parse({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: headers }));
    assert.deepEqual(
      collector.told.map(({ authorization }) => authorization),
      [undefined, 'ours', 'Bearer of-another'],
    );
  });

  it('lets go of one that is away, and says so without its address', async () => {
    collector.fail(true);
    const lines = await tell(parse({ HANDOFF_OTLP_URL: `${collector.url}/secret-path` }), 20);
    const said = lines.map(({ msg, turnId, tried }) => [msg, turnId, tried]);
    assert.deepEqual(
      said,
      [1, 2].map((tried) => ['the collector could not be told of a turn', 'turn', tried]),
    );
    assert.ok(!JSON.stringify(lines).includes('secret-path'));
  });

  it('is nothing where there is none', async () => {
    const choice = parse({});
    assert.deepEqual(choice, { url: undefined, headers: {}, isStandard: true, withContent: false });
    const quiet = createTraces({ log: { ...log, read: unused }, tracing: choice, logger: logLines().logger });
    await quiet.export(TURN);
  });

  it('has words in it only where that is asked for', () => {
    assert.deepEqual(
      ['1', 'true', '0', true].map((value) => parse({ HANDOFF_TRACE_CONTENT: value }).withContent),
      [true, true, false, true],
    );
  });
});
