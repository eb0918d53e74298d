import type { Usage } from '../../protocol/agent-events.ts';

/** Something that was said to the agent. */
export interface Said {
  kind: 'said';
  text: string;
  /** Stays as it is through every cut: the person's own words, and the repository's rules. */
  isPinned: boolean;
  /** Of rules: the file they are from. A newer text of the same file takes the place of an older one at the next cut. */
  rules?: string;
}

/** A call of the agent's, with what came of it. */
export interface Call {
  callId: string;
  name: string;
  input: unknown;
  /** Undefined: it has not ended, or never did. */
  output: string | undefined;
  isError: boolean;
  /** What the model reads besides the text. */
  media: readonly Media[];
}

export interface Media {
  key: string;
  mediaType: string;
}

/** An answer of the model's, with its calls: they are sent together, or not at all. */
export interface Answer {
  kind: 'answer';
  messageId: string;
  text: string;
  calls: Call[];
  usage: Usage;
}

/** What a conversation is made of, in its order. */
export type Entry = Said | Answer;

/** What of a conversation is sent. The log keeps all of it. */
export interface View {
  /** Calls whose results are handles. */
  evicted: ReadonlySet<string>;
  /** The answer before which the summary stands for everything but what is pinned. */
  upTo: string | undefined;
  summary: string | undefined;
  /** How many entries there were at the last cut: only what is pinned among them may be shortened. */
  cutLength: number;
}

export const WHOLE: View = { evicted: new Set(), upTo: undefined, summary: undefined, cutLength: 0 };

/** Calls whose result is the person's word: it is pinned as the person's messages are. */
export const PERSONS_WORD: ReadonlySet<string> = new Set(['ask_user', 'propose_plan']);

/** Where what is sent as it was begins; 0 where nothing is summarised. */
export function keptFrom(entries: readonly Entry[], { upTo }: Pick<View, 'upTo'>): number {
  if (upTo === undefined) return 0;
  return Math.max(
    0,
    entries.findIndex((entry) => entry.kind === 'answer' && entry.messageId === upTo),
  );
}
