import { strings } from '../strings.ts';

/** What the person wrote, as they wrote it: no markdown is made of it. */
export function UserMessage({ text }: { text: string }) {
  return (
    <article className="user-message" aria-label={strings.transcript.you}>
      {text}
    </article>
  );
}
