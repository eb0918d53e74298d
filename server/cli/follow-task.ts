import { setTimeout as delay } from 'node:timers/promises';
import { mendingMessageId } from '../protocol/aftermath.ts';
import { type RelayClient, RelayError } from '../protocol/client.ts';
import type { EventOf, TaskEvent } from '../protocol/events.ts';
import { ask } from './ask.ts';
import type { Terminal } from './command.ts';
import { onInterrupt } from './interrupts.ts';
import { createProgress } from './progress.ts';
import { createQuestionDesk } from './question-desk.ts';

type Ended = EventOf<'turn.ended'>;

/** How often (ms) it is looked whether what follows a turn is over: there is no event of that. */
const LOOK_MS = 200;

/**
 * Shows the task's events until its turn has ended, its checks have run, and the turn that mends what they found has, where one was begun;
 * and puts its questions to the person, if there is one. The first interrupt, or the end of the time, stops the task, or leaves its checks
 * to the relay; the second interrupt leaves all of it.
 * @returns how its last turn ended; nothing where the person left
 */
export async function followTask(
  client: RelayClient,
  { taskId, turnId }: { taskId: string; turnId: string },
  { json, timeoutSeconds }: { json: boolean; timeoutSeconds: number | undefined },
  { out, err, errIsTty, canAsk }: Terminal,
): Promise<Ended | undefined> {
  const leave = new AbortController();
  const progress = createProgress();
  const desk = createQuestionDesk({ client, taskId, err, ask: canAsk ? ask : undefined });
  const ends = new Map<string, Ended>();
  let following = turnId;
  let ended: Ended | undefined;
  let isRunning = true;
  let seen = 0;
  /** Behind it there is nothing more to show. */
  let last = Number.POSITIVE_INFINITY;

  const stop = (why: string): void => {
    if (!isRunning) {
      leave.abort();
      return;
    }
    err(`\n${why}: stopping the task ...\n`);
    client.stop(taskId).catch((error: unknown) => err(`handoff: ${String(error)}\n`));
  };
  const forget = onInterrupt((count) => (count === 1 ? stop('Interrupted') : leave.abort()));
  const timer = timeoutSeconds && setTimeout(() => stop(`After ${timeoutSeconds} s`), timeoutSeconds * 1000);

  const see = (event: Ended): void => {
    ended = event;
    isRunning = false;
    // A relay that does not tell what follows is not waited for.
    if (event.outcome === 'completed') goOn().catch(() => leave.abort());
    else leave.abort();
  };
  async function goOn(): Promise<void> {
    await untilOver(client, { taskId, turnId: following }, leave.signal);
    const { turns, seq } = await client.getTask(taskId);
    const mends = mendingMessageId(following);
    const next = turns.find(({ items }) =>
      items.some((item) => item.kind === 'user' && item.messageId === mends),
    );
    if (next === undefined) {
      last = seq;
      if (seen >= last) leave.abort();
      return;
    }
    following = next.turnId;
    isRunning = true;
    const event = ends.get(following);
    if (event) see(event);
  }
  const onEvent = (event: TaskEvent): void => {
    seen = event.seq;
    if (json) out(`${JSON.stringify(event)}\n`);
    else if (errIsTty) err(progress(event));
    if (!json) desk.see(event);
    if (event.type === 'turn.ended') {
      ends.set(event.turnId, event);
      if (event.turnId === following) see(event);
    }
    if (seen >= last) leave.abort();
  };
  try {
    await client.events(taskId, 0, {
      signal: leave.signal,
      onEvent,
      onState: (state) => state === 'reconnecting' && err('Connecting to the relay again ...\n'),
    });
  } finally {
    clearTimeout(timer);
    desk.close();
    forget();
  }
  return isRunning ? undefined : ended;
}

/** Throws where it cannot be found out. A relay that is away for a moment is asked again. */
async function untilOver(
  client: Pick<RelayClient, 'aftermath'>,
  { taskId, turnId }: { taskId: string; turnId: string },
  signal: AbortSignal,
): Promise<void> {
  while (true) {
    try {
      if ((await client.aftermath(taskId, turnId)).isOver) return;
    } catch (error) {
      const isRefused = error instanceof RelayError && error.status >= 400 && error.status < 500;
      if (isRefused || !(error instanceof RelayError)) throw error;
    }
    await delay(LOOK_MS, undefined, { signal });
  }
}
