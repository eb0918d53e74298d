import assert from 'node:assert/strict';
import type { EventOf, TaskEvent } from '../../../server/protocol/events.ts';
import { call, child, found, task } from '../../fakes/model/agents.ts';
import { withDatabase } from '../turn/database.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

/** A call can cost 30 cents, by its output alone: two of them fit below twice the cap, beside what the lead's first costs. */
const SETTINGS = {
  HANDOFF_MODEL_PRICE: '{"input": 0, "output": 1000}',
  HANDOFF_MODEL_MAX_OUTPUT: '300',
  HANDOFF_CAP_TURN: '0.4',
};

/** Notes at every change of the book what is used or reserved then, and what may be. */
const NOTE = `
  CREATE TABLE public.noted (at serial, message_id text, is_settled boolean, taken bigint, allowed bigint);
  CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.noted (message_id, is_settled, taken, allowed) SELECT NEW.message_id, NEW.cost IS NOT NULL,
      (SELECT sum(coalesce(s.cost, s.reserved)) FROM handoff.spend s),
      400000 + (SELECT coalesce(sum(r.micros), 0) FROM handoff.spend_raises r);
    RETURN NULL;
  END $$;
  CREATE TRIGGER note AFTER INSERT OR UPDATE ON handoff.spend FOR EACH ROW EXECUTE FUNCTION public.note();`;

interface Noted {
  message_id: string;
  is_settled: boolean;
  taken: string;
  allowed: string;
}

const isAnswer = (event: TaskEvent): event is EventOf<'model.answered'> => event.type === 'model.answered';

describe('subagents that come to one cap at once', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('have the person asked once, and lose nothing by that and by a kill, while the cap is never passed', async () => {
    const hung = Promise.withResolvers<void>();
    const looking = { toolCalls: [call('glob', { pattern: '*' })] };
    workshop = await openWorkshop(
      [
        child(
          'One',
          () => {
            hung.resolve();
            return { ...looking, faults: [{ fault: 'hang' }] };
          },
          found('Title', 'README.md'),
        ),
        child('Two', looking, found('Title', 'README.md')),
        child('Three', looking, found('Title', 'README.md')),
        {
          steps: [
            { text: 'Three look. '.repeat(30), toolCalls: [task('One'), task('Two'), task('Three')] },
            { text: 'All are back.' },
          ],
        },
      ],
      SETTINGS,
    );
    await withDatabase(workshop.data, (client) => client.query(NOTE));
    const taskId = await workshop.delegate('Find out');
    const watched = workshop.watch(taskId);
    const { turnId, questionId } = await watched.until('question.asked');
    await watched.until('turn.parked');
    assert.equal(workshop.model.requests.length, 1, 'none of the three is asked');

    await workshop.client.answer(taskId, { questionId, answer: { kind: 'choice', label: 'Go on' } });
    await hung.promise;
    await workshop.kill();
    await workshop.start();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');

    const events = await watched.caughtUp();
    const told = (type: TaskEvent['type']): number => events.filter((event) => event.type === type).length;
    assert.deepEqual([told('agent.started'), told('spend.held'), told('question.asked')], [3, 1, 1]);
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'agent.ended' ? [event.outcome] : [])),
      ['completed', 'completed', 'completed'],
    );
    const answers = events.filter(isAnswer);
    const costs = new Map(answers.map(({ messageId, usage }) => [messageId, usage.costMicros ?? NaN]));
    const agents = [`${turnId}:m1c0`, `${turnId}:m1c1`, `${turnId}:m1c2`, turnId];
    assert.deepEqual(
      [...costs.keys()].sort(),
      agents.flatMap((agent) => [`${agent}:m1`, `${agent}:m2`]).sort(),
    );
    const total = [...costs.values()].reduce((sum, cost) => sum + cost, 0);
    assert.equal((await watched.until('turn.ended')).usage.costMicros, total);
    assert.equal((await workshop.client.usage()).total.costMicros, total);

    const noted = await withDatabase(workshop.data, async (client) => {
      const { rows } = await client.query<Noted>('SELECT * FROM public.noted ORDER BY at');
      return rows;
    });
    for (const { message_id, taken, allowed } of noted) {
      assert.ok(Number(taken) <= Number(allowed), `${taken} of ${allowed} at ${message_id}`);
    }
    assert.deepEqual(
      new Set(noted.map(({ allowed }) => allowed)),
      new Set(['400000', '800000']),
      'what the person added counts once',
    );
    const last = noted.find((row) => row.message_id === `${turnId}:m2` && row.is_settled);
    assert.equal(Number(last?.taken), total, 'and nothing is left reserved');
  });
});
