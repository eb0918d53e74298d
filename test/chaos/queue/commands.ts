import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { answerAs, answerQuestion, send, stop, type Talk, thinkAgain, type World } from './world.ts';

/** The world is its own model: what it promises is written down as it is answered, and held against the log in the end. */
type Model = { talks: number };
type Command = fc.AsyncCommand<Model, World>;

/** A command on the task of that number. It does nothing where `mayRun` says that it makes no sense now. */
function onTalk(
  name: string,
  talk: number,
  run: (world: World, talk: Talk) => Promise<void>,
  mayRun: (talk: Talk) => boolean = () => true,
): Command {
  return {
    check: ({ talks }) => talk < talks,
    async run(_model, world) {
      const found = world.talks[talk];
      if (found && mayRun(found)) await run(world, found);
    },
    toString: () => `${name}(${talk})`,
  };
}

const kill: Command = {
  check: () => true,
  run: (_model, { relay }) => relay.kill(),
  toString: () => 'kill',
};

/** @param talks how many tasks there are; `length` of the sequence at most */
export function commands(talks: number, length: number): fc.Arbitrary<Iterable<Command>> {
  const talk = fc.nat({ max: talks - 1 });
  const chosen = fc.tuple(talk, fc.nat({ max: 20 }));
  const sending = talk.map((at) =>
    onTalk('send', at, (world, to) => {
      const text = `Message ${to.sent.length}`;
      return send(world, to, { messageId: randomUUID(), text, isWithdrawn: false });
    }),
  );
  const again = chosen.map(([at, pick]) =>
    onTalk(`send ${pick} again`, at, (world, to) => send(world, to, pickOf(to, pick))),
  );
  const edit = chosen.map(([at, pick]) =>
    onTalk(`edit ${pick}`, at, (world, to) => {
      const message = pickOf(to, pick);
      return message.isWithdrawn
        ? Promise.resolve()
        : thinkAgain(world, to, message, `${message.text}, edited`);
    }),
  );
  const withdraw = chosen.map(([at, pick]) =>
    onTalk(`withdraw ${pick}`, at, (world, to) => {
      const message = pickOf(to, pick);
      return message.isWithdrawn ? Promise.resolve() : thinkAgain(world, to, message, null);
    }),
  );
  // Before the model has answered what it is asked, a new message is mostly not read yet.
  const secondThought = fc.tuple(talk, fc.boolean()).map(([at, isBetter]) =>
    onTalk(
      isBetter ? 'send and edit' : 'send and withdraw',
      at,
      async (world, to) => {
        await world.puppet.asked(to.opening);
        const text = `Message ${to.sent.length}`;
        const message = { messageId: randomUUID(), text, isWithdrawn: false };
        await send(world, to, message);
        await thinkAgain(world, to, message, isBetter ? `${text}, edited` : null);
      },
      ({ phase }) => phase === 'model',
    ),
  );
  const models = fc
    .tuple(talk, fc.constantFrom('tool' as const, 'ask' as const, 'end' as const))
    .map(([at, kind]) =>
      onTalk(
        `model: ${kind}`,
        at,
        (world, to) => answerAs(world, to, kind),
        ({ phase }) => phase === 'model',
      ),
    );
  const answers = talk.map((at) => onTalk('answer', at, answerQuestion, ({ phase }) => phase === 'parked'));
  const stops = talk.map((at) => onTalk('stop', at, stop));
  const reconnect = talk.map((at) =>
    onTalk('reconnect', at, async ({ site }, to) => {
      await to.watch.close();
      const { events } = to.watch;
      to.watch = site.watch(to.taskId, 0);
      // All that it had is there again.
      await to.watch.until(
        events.at(-1)?.type ?? 'task.created',
        ({ seq }) => seq === events.at(-1)?.seq || seq === 1,
      );
    }),
  );
  // The more often a thing is listed, the more often it is done.
  return fc.commands(
    [
      sending,
      sending,
      again,
      edit,
      withdraw,
      secondThought,
      secondThought,
      models,
      models,
      models,
      answers,
      stops,
      reconnect,
      fc.constant(kill),
    ],
    { maxCommands: length, size: 'max' },
  );
}

/** One of the messages, the latest by 0: second thoughts are mostly about those. */
function pickOf({ sent }: Talk, pick: number): Talk['sent'][number] {
  const message = sent[sent.length - 1 - (pick % sent.length)];
  if (!message) throw new RangeError('nothing was sent');
  return message;
}
