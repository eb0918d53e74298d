import type { Sandbox, SandboxCaps, SandboxProvider } from '../../../server/sandbox/sandbox.ts';

/** An adapter as the conformance suite meets it, on a place of its own: nothing else has machines there. */
export interface Fixture {
  provider: SandboxProvider;
  /** What its machines promise; a check that does not follow from the contract asks here. */
  caps: SandboxCaps;
  /** The same machines as the next relay sees them: a provider that remembers nothing. Whoever asks closes it. */
  anotherRelay(): SandboxProvider;
  /** A task that no other test has. */
  newTaskId(): string;
  /** Destroys every machine and snapshot that was made, and lets go of the rest. */
  dispose(): Promise<void>;
}

/** The checks of one topic. The fixture is there once they run. */
export type Topic = (fixture: () => Fixture) => void;

/** A machine for all checks of a `describe`. */
export function machineFor(fixture: () => Fixture): () => Sandbox {
  let sandbox: Sandbox | undefined;
  before(async () => {
    sandbox = await fixture().provider.create({ taskId: fixture().newTaskId() });
  });
  after(async () => {
    if (sandbox !== undefined) await fixture().provider.destroy(sandbox.ref);
  });
  return () => {
    if (sandbox === undefined) throw new Error('no machine was made');
    return sandbox;
  };
}
