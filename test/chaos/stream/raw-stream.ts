import { createParser } from 'eventsource-parser';
import { TaskEvent } from '../../../server/protocol/events.ts';

/**
 * One connection to a task's events, as they come over the wire: the client of the protocol would mend what it finds wrong.
 * @param after the cursor; the stream begins behind it
 * @param enough ends the connection once it holds, looked at with each event
 */
export async function readStream(
  { url, token, taskId }: { url: string; token: string; taskId: string },
  after: number,
  enough: (events: readonly TaskEvent[]) => boolean,
): Promise<TaskEvent[]> {
  const end = new AbortController();
  const answer = await fetch(`${url}/v1/tasks/${taskId}/events?after=${after}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: end.signal,
  });
  if (!answer.ok || !answer.body) throw new Error(`the stream was refused: ${answer.status}`);
  const events: TaskEvent[] = [];
  const parser = createParser({
    onEvent: ({ data }) => {
      if (enough(events)) return;
      events.push(TaskEvent.parse(JSON.parse(data)));
    },
  });
  const decoder = new TextDecoder();
  for await (const piece of answer.body) {
    parser.feed(decoder.decode(piece, { stream: true }));
    if (enough(events)) break;
  }
  end.abort();
  return events;
}
