import type { Selection } from '../../server/protocol/commands.ts';
import { Chips } from '../composer/chips.tsx';
import { strings } from '../strings.ts';

/** What the person wrote, as they wrote it: no markdown is made of it. */
export function UserMessage({ text, selection = [] }: { text: string; selection?: Selection[] | undefined }) {
  return (
    <article className="user-message" aria-label={strings.transcript.you}>
      <Chips selection={selection} />
      {text}
    </article>
  );
}
