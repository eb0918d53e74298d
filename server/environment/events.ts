/** What is told of a task's environment while it is made ready. */
export type EnvironmentEvent =
  | { type: 'setup.started'; command: string; key: string }
  /** `cached`: the machine came with it done. `output` is the end of what it printed. */
  | {
      type: 'setup.finished';
      key: string;
      outcome: 'passed' | 'failed' | 'cached';
      output: string;
      durationMs: number;
    }
  /** Something that the repository asked for and that it does not get, or not as asked; a sentence or two for the person. */
  | { type: 'environment.noted'; text: string };

/** An event and the identity that makes telling it twice the same as once; unique in its task. */
export interface KeyedEnvironmentEvent {
  key: string;
  event: EnvironmentEvent;
}

export type Tell = (event: KeyedEnvironmentEvent) => Promise<void>;
