import { type Sandbox, SandboxError } from '../sandbox.ts';

/** For the model, which reads it as the result of its call. */
const WHAT_THEN =
  'Files are kept as of the last step; what ran is gone, and so may be files that Git ignores. Look at what is there before you go on.';

/**
 * A sandbox that tells when it is lost, so that whoever opens it next asks the provider instead of speaking to what is not there. What was
 * asked fails, and is not done again: nobody knows how far it came.
 */
export function attentive(sandbox: Sandbox, onLost: () => void): Sandbox {
  const heed = <Args extends unknown[], Result>(
    work: (...args: Args) => Promise<Result>,
  ): ((...args: Args) => Promise<Result>) => {
    return async (...args) => {
      try {
        return await work(...args);
      } catch (error) {
        if (!(error instanceof SandboxError) || error.code !== 'lost') throw error;
        onLost();
        throw new SandboxError('lost', `${error.message} ${WHAT_THEN}`, { cause: error });
      }
    };
  };
  return {
    ...sandbox,
    async exec(request, options) {
      const result = await heed(sandbox.exec)(request, options);
      if (result.reason === 'lost') onLost();
      return result;
    },
    readOutput: heed(sandbox.readOutput),
    readFile: heed(sandbox.readFile),
    writeFile: heed(sandbox.writeFile),
    glob: heed(sandbox.glob),
    grep: heed(sandbox.grep),
    killAll: heed(sandbox.killAll),
    putScratch: heed(sandbox.putScratch),
    getScratch: heed(sandbox.getScratch),
    ports: heed(sandbox.ports),
    connect: heed(sandbox.connect),
  };
}
