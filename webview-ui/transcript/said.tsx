import type { Item } from '../../server/protocol/task.ts';
import { strings } from '../strings.ts';
import { Cut } from './cut.tsx';
import { Markdown } from './markdown.tsx';
import { Notice } from './notice.tsx';
import { Question } from './question.tsx';
import { UserMessage } from './user-message.tsx';

/** What is said in a conversation: everything but the tool calls. */
export function Said({ item }: { item: Exclude<Item, { kind: 'tool' }> }) {
  if (item.kind === 'user') return <UserMessage text={item.text} selection={item.selection} />;
  if (item.kind === 'notice') return <Notice {...item} />;
  if (item.kind === 'cut') return <Cut item={item} />;
  if (item.kind === 'question') return <Question item={item} />;
  return (
    <article className="answer" aria-label={strings.transcript.agent}>
      <Markdown text={item.text} done={item.done} />
    </article>
  );
}
