import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CliError, type Terminal } from './command.ts';
import { openEditor } from './editor.ts';
import { runGit } from './git.ts';
import { interrupted } from './interrupts.ts';
import { findRelay } from './local-relay.ts';
import { packageRoot } from './package-root.ts';
import { type Service, startService } from './services.ts';

/** What the doubles of model and GitHub know; nothing else takes them. */
const SCRIPTED_MODEL = 'scripted';
const SCRIPTED_KEY = 'sk-fake';
const SAMPLE_REPOSITORY = 'sam/trip-log';
/** Before each streamed piece, in milliseconds: about as fast as a model writes. */
const STREAM_DELAY_MS = 15;
/** How long a running task may take to stop when the demo ends, in milliseconds. */
const STOP_TIMEOUT_MS = 10_000;

type Env = Record<string, string | undefined>;

/**
 * The whole path on a sample repository: relay, database, sandbox, Git and editor are the real ones; only model and GitHub
 * are scripted. Everything it made is gone when it ends.
 */
export async function runDemo(terminal: Terminal, { desktop }: { desktop: boolean }): Promise<number> {
  const { err, out } = terminal;
  const folder = await makeFolder();
  const opened: { close(): Promise<unknown> }[] = [];
  const open = async <Opened extends { close(): Promise<unknown> }>(opening: Promise<Opened>) => {
    const done = await opening;
    opened.push(done);
    return done;
  };
  const stop = interrupted();
  try {
    err('Starting the demo: a scripted model and a scripted GitHub; everything else is real.\n');
    const [model, github] = await Promise.all([
      open(startModel(terminal.env)),
      open(startGitHub(terminal.env)),
    ]);
    const env = demoEnvironment(terminal.env, { folder, model, github });
    const repository = path.join(folder, 'trip-log');
    const [relay] = await Promise.all([
      open(startRelayService(env)),
      cloneSample(`${github.announced}/${SAMPLE_REPOSITORY}.git`, repository),
    ]);
    const editor = await open(
      openEditor({
        folder: repository,
        env,
        stateDir: path.join(folder, 'vscode'),
        desktop,
        extensions: [path.join(packageRoot(), 'test/fakes/github-auth-extension')],
        isThrowaway: true,
        say: (line) => err(`${line}\n`),
      }),
    );
    err(guide({ repository, editorUrl: editor.url, githubUrl: github.announced, folder }));
    out(`relay ready ${relay.announced}\n`);
    if (editor.url !== undefined) out(`vscode ready ${editor.url}\n`);
    const failed = Promise.race([relay, model, github].map((service) => service.ended.then(() => true)));
    if ((await Promise.race([stop, failed])) === true) {
      throw new CliError('A part of the demo ended by itself.', 'Start it again: npm start -- --demo');
    }
    err('\nTaking the demo down ...\n');
    return 0;
  } finally {
    await archiveTasks(path.join(folder, 'data'));
    for (const one of opened.reverse()) await one.close();
    // Postgres ends a moment after its relay, and writes until then.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  }
}

/** Others may pass through it, not look into it: as root, the database runs as another user. */
async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'handoff-demo-'));
  await chmod(folder, 0o711);
  return folder;
}

const fake = (name: string) => path.join(packageRoot(), 'test/fakes', name, 'main.ts');

function startModel(env: Env): Promise<Service> {
  return startService({
    name: 'scripted model',
    argv: [fake('model'), '--scenario', 'demo', '--delay', String(STREAM_DELAY_MS), '--key', SCRIPTED_KEY],
    env,
    announces: /^model ready (\S+)$/,
  });
}

function startGitHub(env: Env): Promise<Service> {
  return startService({
    name: 'scripted GitHub',
    argv: [fake('github')],
    env,
    announces: /^github ready (\S+)$/,
  });
}

function startRelayService(env: Env): Promise<Service> {
  return startService({
    name: 'relay',
    argv: [...process.execArgv, process.argv[1] ?? '', 'relay'],
    env,
    announces: /^relay ready (\S+)$/,
  });
}

/** None of the person's own Handoff settings: the demo must not reach their model, database or GitHub. */
function demoEnvironment(
  env: Env,
  { folder, model, github }: { folder: string; model: Service; github: Service },
): Env {
  const kept = Object.entries(env).filter(([name]) => !/^(HANDOFF|DAYTONA)_/.test(name));
  return {
    ...Object.fromEntries(kept),
    HANDOFF_DATA: path.join(folder, 'data'),
    HANDOFF_PORT: '0',
    HANDOFF_SANDBOX: 'local',
    HANDOFF_MODEL_BASE_URL: model.announced,
    HANDOFF_MODEL: SCRIPTED_MODEL,
    HANDOFF_MODEL_API_KEY: SCRIPTED_KEY,
    HANDOFF_GITHUB_URL: github.announced,
    HANDOFF_GITHUB_API_URL: `${github.announced}/api/v3`,
  };
}

async function cloneSample(url: string, folder: string): Promise<void> {
  const { exitCode, stderr } = await runGit(['clone', '--quiet', url, folder]);
  if (exitCode !== 0) throw new CliError(`The sample repository could not be cloned: ${stderr.trim()}`);
}

/** Sandboxes outlive their relay, unless their task is archived; and a task that runs cannot be. */
async function archiveTasks(data: string): Promise<void> {
  const relay = await findRelay({ HANDOFF_DATA: data });
  if (relay === undefined) return;
  const { client } = relay;
  const { tasks } = await client.listTasks();
  await Promise.allSettled(
    tasks.map(async ({ taskId }) => {
      await client.stop(taskId);
      const following = new AbortController();
      const task = await client.getTask(taskId);
      if (['running', 'waiting', 'asking', 'stopping'].includes(task.status)) {
        const timer = setTimeout(() => following.abort(), STOP_TIMEOUT_MS);
        await client.events(taskId, task.seq, {
          signal: following.signal,
          onEvent: ({ type }) => type === 'turn.ended' && following.abort(),
        });
        clearTimeout(timer);
      }
      await client.archive(taskId);
    }),
  );
}

interface Places {
  repository: string;
  editorUrl: string | undefined;
  githubUrl: string;
  folder: string;
}

function guide({ repository, editorUrl, githubUrl, folder }: Places): string {
  return `
DEMO: the model and GitHub are SCRIPTED; the relay, its database, the sandbox, Git and VS Code are real.

  VS Code      ${editorUrl ? `${editorUrl}\n               (open this address in a browser)` : 'has opened in a window of its own'}
  repository   ${repository}
  GitHub       ${githubUrl}/${SAMPLE_REPOSITORY}

  1. In the Explorer, right-click a file of src and choose "Delegate to Background Agent".
  2. Type any task: the model always does the scripted one, an option \`--unit mi\` with its tests.
  3. Watch it work in the Handoff panel, choose Review Changes, and accept what you like.
  4. Choose Open Pull Request: it is made at the scripted GitHub, as its account "sam".

From another terminal: HANDOFF_DATA=${path.join(folder, 'data')} npm start -- tasks
Ctrl-C ends the demo and removes everything that it made.
`;
}
