import { SandboxError } from '../sandbox.ts';
import type { Engine } from './engine.ts';
import { engineFailure, tooSlow } from './failures.ts';
import { checkedImage } from './plan.ts';

/** Milliseconds for an image to arrive; a gigabyte over a slow line. */
const PULL_DEADLINE = 20 * 60_000;
/** Milliseconds between two words of progress. */
const PROGRESS_PACE = 2_000;
/** Characters of what was said last that go into an error. */
const COMPLAINT = 2_000;

/**
 * Has the image on this machine, pulling it the first time.
 * @param log gets progress, a line each
 * @throws SandboxError that says what mends it
 */
export async function ensureImage(engine: Engine, image: string, log: (line: string) => void): Promise<void> {
  const name = checkedImage(image);
  try {
    await engine.run(['image', 'inspect', '--format={{.Id}}', name]);
    return;
  } catch (error) {
    // Not to have an image has no code of its own: an engine that does not answer says so again below.
    if (!(error instanceof SandboxError) || error.code === 'busy') throw error;
  }
  log(`${engine.kind} pulls ${name}`);
  await pull(engine, name, log);
  log(`${engine.kind} has ${name}`);
}

function pull(engine: Engine, image: string, log: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = engine.start(['pull', image]);
    child.stdin.end();
    let complaint = '';
    let spokenAt = 0;
    const hear = (chunk: Buffer): void => {
      const text = chunk.toString();
      complaint = (complaint + text).slice(-COMPLAINT);
      const line = text.trim().split('\n').at(-1);
      if (!line || Date.now() - spokenAt < PROGRESS_PACE) return;
      spokenAt = Date.now();
      log(`${engine.kind} pulls ${image}: ${line}`);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, PULL_DEADLINE);
    child.on('error', (error) => reject(engineFailure(engine.kind, 'pull', error.message)));
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else
        reject(
          late
            ? tooSlow(engine.kind, 'pull', PULL_DEADLINE / 1_000)
            : engineFailure(engine.kind, 'pull', complaint),
        );
    });
  });
}
