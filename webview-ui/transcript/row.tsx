import { memo } from 'react';
import type { Row } from '../rows.ts';
import { Said } from './said.tsx';
import { ToolRow } from './tool-row.tsx';
import { TurnEnd } from './turn-end.tsx';
import { Working } from './working.tsx';

interface RowProps {
  row: Row;
  /** The one tool row that is in the tab order. */
  active: boolean;
  onFocus: (key: string) => void;
}

/** One row of the transcript: which component shows it. */
export const RowView = memo(function RowView({ row, active, onFocus }: RowProps) {
  if (row.kind === 'working') return <Working startedAt={row.startedAt} waiting={row.waiting} />;
  if (row.kind === 'turnEnd') return <TurnEnd turn={row.turn} last={row.last} />;
  const { item } = row;
  if (item.kind === 'tool') return <ToolRow rowKey={row.key} tool={item} active={active} onFocus={onFocus} />;
  return <Said item={item} />;
});
