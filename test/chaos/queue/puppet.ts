import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Reply, Scenario } from '../../fakes/model/script.ts';

/** A model that answers when it is told to, and what; asked again after a relay's death, it says the same again. */
export interface Puppet {
  scenario: Scenario;
  /** Resolves once it is asked something in this conversation that it was not told the answer to. */
  asked(opening: string): Promise<void>;
  /** What it says to that. */
  answer(opening: string, reply: Reply): void;
}

interface Conversation {
  /** By how much had been said before: what it was told to say. */
  told: Map<number, PromiseWithResolvers<Reply>>;
  /** What it was asked and not told yet. */
  open: number | undefined;
  wake: () => void;
  news: Promise<void>;
}

export function createPuppet(): Puppet {
  const conversations = new Map<string, Conversation>();
  const conversation = (opening: string): Conversation => {
    const known = conversations.get(opening);
    if (known) return known;
    const { promise, resolve } = Promise.withResolvers<void>();
    const made: Conversation = { told: new Map(), open: undefined, wake: resolve, news: promise };
    conversations.set(opening, made);
    return made;
  };

  const reply = (request: ChatRequest): Promise<Reply> => {
    const opening = request.messages.find(({ role }) => role === 'user')?.content ?? '';
    const place = request.messages.filter(({ role }) => role === 'assistant').length;
    const own = conversation(opening);
    const known = own.told.get(place);
    if (known) return known.promise;
    const told = Promise.withResolvers<Reply>();
    own.told.set(place, told);
    own.open = place;
    own.wake();
    return told.promise;
  };

  return {
    scenario: [{ steps: [], otherwise: reply }],
    async asked(opening) {
      const own = conversation(opening);
      while (own.open === undefined) await own.news;
    },
    answer(opening, said) {
      const own = conversation(opening);
      if (own.open === undefined) throw new Error('it was not asked');
      own.told.get(own.open)?.resolve(said);
      own.open = undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      own.news = promise;
      own.wake = resolve;
    },
  };
}
