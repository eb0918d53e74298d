import type { Item } from '../../server/protocol/task.ts';
import { strings } from '../strings.ts';
import { Notice } from './notice.tsx';

/** Where the conversation was cut for the model: what stands above is kept here, and is read by it no more as it stands. */
export function Cut({ item }: { item: Extract<Item, { kind: 'cut' }> }) {
  return (
    <details className="cut">
      <summary>
        <Notice level="info" icon="fold" text={strings.transcript.cut(item)} />
      </summary>
      {item.summary !== undefined && <p className="cut-summary">{item.summary}</p>}
    </details>
  );
}
