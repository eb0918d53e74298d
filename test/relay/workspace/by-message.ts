import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Reply, Scenario } from '../../fakes/model/script.ts';

/** What the model says to each message of the person, whatever was said before it: a conversation may have gone back. */
export function byMessage(replies: Record<string, Reply[]>): Scenario {
  const answer = ({ messages }: ChatRequest): Reply => {
    const last = messages.findLastIndex(({ role, content }) => role === 'user' && content in replies);
    const said = messages.slice(last).filter(({ role }) => role === 'assistant').length;
    return replies[messages[last]?.content ?? '']?.[said] ?? { text: 'Done.' };
  };
  return [{ steps: [], otherwise: answer }];
}

/** What the machine and the log tell by themselves; nobody says that. */
const BY_ITSELF = /^\[(The machine|How things stand)/;

/** What the person said, as the model was last given it; and what it was told of the review. */
export function heard(requests: readonly ChatRequest[]): string[] {
  const { messages = [] } = requests.at(-1) ?? {};
  return messages.flatMap(({ role, content }) =>
    role === 'user' && !BY_ITSELF.test(content) ? [content] : [],
  );
}
