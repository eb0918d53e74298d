import { memo } from 'react';
import type { Item } from '../../server/protocol/task.ts';
import type { Row } from '../rows.ts';
import { strings } from '../strings.ts';
import { Markdown } from './markdown.tsx';
import { Notice } from './notice.tsx';
import { ToolRow } from './tool-row.tsx';
import { TurnEnd } from './turn-end.tsx';
import { UserMessage } from './user-message.tsx';
import { Working } from './working.tsx';

interface RowProps {
  row: Row;
  /** The one tool row that is in the tab order. */
  active: boolean;
  onFocus: (key: string) => void;
}

/** One row of the transcript: which component shows it. */
export const RowView = memo(function RowView({ row, active, onFocus }: RowProps) {
  if (row.kind === 'working') return <Working startedAt={row.startedAt} />;
  if (row.kind === 'turnEnd') return <TurnEnd turn={row.turn} last={row.last} />;
  const { item } = row;
  if (item.kind === 'tool') return <ToolRow rowKey={row.key} tool={item} active={active} onFocus={onFocus} />;
  return <Plain item={item} />;
});

function Plain({ item }: { item: Exclude<Item, { kind: 'tool' }> }) {
  if (item.kind === 'user') return <UserMessage text={item.text} selection={item.selection} />;
  if (item.kind === 'notice') return <Notice {...item} />;
  if (item.kind === 'question') return <Notice level="info" text={item.question} />;
  return (
    <article className="answer" aria-label={strings.transcript.agent}>
      <Markdown text={item.text} done={item.done} />
    </article>
  );
}
