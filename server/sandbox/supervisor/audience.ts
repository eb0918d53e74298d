import type { StreamName } from '../supervised/wire.ts';

/** Who wants output as it comes. `write` answers whether there is room for more. */
export interface Sink {
  write(name: StreamName, chunk: Buffer): boolean;
  /** Resolves when there is room again, or when nobody is listening any more. */
  drained(): Promise<void>;
  readonly closed: boolean;
  /** Cuts the listener off; it hears everything from the beginning when it attaches again. */
  close(): void;
}

/** Milliseconds that one who was overtaken may hold a command up, and up to twice that. */
const OVERTAKEN_PATIENCE = 1_000;

/** All who listen to one command. */
export interface Audience {
  add(sink: Sink): void;
  write(name: StreamName, chunk: Buffer): void;
  /** The command is over: nobody holds it up any more. */
  end(): void;
}

/**
 * A listener that is slow slows the command down, as a terminal does; so nothing piles up here. That is for the newest to do:
 * of a relay that was stopped, and whose work another one took over, the connection stays open and full.
 * @param pause holds the command's output back, or lets it go on
 */
export function createAudience(pause: (on: boolean) => void): Audience {
  const sinks = new Set<Sink>();
  const held = new Map<Sink, NodeJS.Timeout>();
  const newest = (): Sink | undefined => [...sinks].filter(({ closed }) => !closed).at(-1);

  const hold = (sink: Sink): void => {
    if (held.has(sink)) return;
    const look = (): void => {
      const last = newest();
      // Where the newest is full itself, it is not this one that the command waits for.
      if (last === undefined || last === sink || held.has(last)) return;
      sinks.delete(sink);
      sink.close();
    };
    held.set(sink, setInterval(look, OVERTAKEN_PATIENCE));
    pause(true);
    void sink.drained().then(() => {
      clearInterval(held.get(sink));
      held.delete(sink);
      if (held.size === 0) pause(false);
    });
  };

  return {
    add: (sink) => void sinks.add(sink),
    write(name, chunk) {
      for (const sink of sinks) {
        if (sink.closed) sinks.delete(sink);
        else if (!sink.write(name, chunk)) hold(sink);
      }
    },
    end() {
      for (const looking of held.values()) clearInterval(looking);
      sinks.clear();
    },
  };
}
