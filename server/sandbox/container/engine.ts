import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { SandboxError } from '../sandbox.ts';
import { engineFailure, notInstalled, tooSlow } from './failures.ts';
import type { EngineKind } from './names.ts';

type Env = Record<string, string | undefined>;

/** Milliseconds that an engine has for what takes it a moment. */
const DEADLINE = 60_000;
/** Bytes of output that are taken of one command. */
const MAX_OUTPUT = 32 << 20;

/** A container engine, by its command line: what all of them have in common. */
export interface Engine {
  kind: EngineKind;
  /** As it says itself, with its version. */
  banner: string;
  /**
   * Runs one command and answers what it printed.
   * @param deadline milliseconds
   * @throws SandboxError that says what mends it
   */
  run(args: string[], deadline?: number): Promise<string>;
  /** The last that a container printed, on either stream; nothing where that is not known. */
  lastWords(container: string): Promise<string>;
  /** Starts one that is spoken to. */
  start(args: string[]): ChildProcessWithoutNullStreams;
}

/**
 * Finds the engine that `program` runs; it need not answer yet.
 * @throws SandboxError `unavailable` where there is no such program
 */
export async function findEngine(program: string, env: Env): Promise<Engine> {
  // Its words are read where it gives no other sign.
  const options = { env: { ...env, LC_ALL: 'C' }, windowsHide: true };
  const call = (args: string[], deadline: number): Promise<Called> =>
    new Promise((resolve) => {
      const limits = { timeout: deadline, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT } as const;
      execFile(program, args, { ...options, ...limits }, (error, stdout, stderr) =>
        resolve({ error, stdout, stderr }),
      );
    });

  const { error, stdout } = await call(['--version'], DEADLINE);
  if (error !== null) throw notInstalled(program);
  const kind: EngineKind = /podman/i.test(stdout) ? 'podman' : 'docker';
  return {
    kind,
    banner: stdout.trim(),
    async run(args, deadline = DEADLINE) {
      const called = await call(args, deadline);
      if (called.error === null) return called.stdout;
      const verb = args.slice(0, args[0] === 'container' || args[0] === 'image' ? 2 : 1).join(' ');
      if (called.error.killed) throw tooSlow(kind, verb, deadline / 1_000);
      if (called.error.code === 'ENOENT') throw notInstalled(program);
      throw engineFailure(kind, verb, called.stderr || called.error.message);
    },
    async lastWords(container) {
      // What a container printed as an error, the command prints as an error.
      const { error, stdout, stderr } = await call(['logs', '--tail=5', container], DEADLINE);
      return error === null ? `${stdout}${stderr}`.trim() : '';
    },
    start: (args) => spawn(program, args, { ...options, stdio: 'pipe' }),
  };
}

interface Called {
  error: (Error & { code?: string | number | null; killed?: boolean }) | null;
  stdout: string;
  stderr: string;
}

/** The engines that a relay may use: one that was chosen, or whichever are there. */
export interface Engines {
  /** For machines to come. @throws SandboxError `unavailable` where none answers, of what is most worth mending */
  preferred(): Promise<Engine>;
  /** The one that has a certain machine. */
  of(kind: EngineKind): Promise<Engine>;
}

/**
 * Podman comes first: without rights of its own, root in its containers is nobody on the host, while whoever may speak to Docker's
 * engine is root there. One that does not answer gives way to the other.
 * @param chosen a program's name or path; absent, whichever answers
 */
export function createEngines(chosen: string | undefined, env: Env): Engines {
  const candidates = chosen === undefined ? ['podman', 'docker'] : [chosen];
  const found = new Map<string, Engine>();
  let answered: Engine | undefined;

  const find = async (program: string): Promise<Engine> => {
    const engine = found.get(program) ?? (await findEngine(program, env));
    found.set(program, engine);
    return engine;
  };

  return {
    async preferred() {
      if (answered !== undefined) return answered;
      const failures: unknown[] = [];
      for (const program of candidates) {
        const engine = await find(program).catch(() => undefined);
        if (engine === undefined) continue;
        try {
          await engine.run(['ps', '--quiet', '--last=1']);
          answered = engine;
          return engine;
        } catch (error) {
          failures.push(error);
        }
      }
      throw failures[0] ?? notInstalled(candidates.join(' or '));
    },
    async of(kind) {
      const engine = await find(chosen ?? kind);
      if (engine.kind === kind) return engine;
      throw new SandboxError(
        'unavailable',
        `This sandbox is in ${kind}, and the relay uses ${engine.kind}.`,
        {
          nextAction: `Start the relay with HANDOFF_CONTAINER_CLI=${kind}, or start a new task.`,
        },
      );
    },
  };
}
