import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';

/** What a stage writes, as JSON, into the file that HANDOFF_TEST_RESULTS names. No file means that it crashed. */
export const StageResults = z.object({
  passed: z.number().int().min(0),
  failures: z.array(z.object({ title: z.string(), error: z.string() })),
});

export interface Stage {
  name: string;
  /** Arguments of Node. */
  argv: string[];
  /** `exit-code` is one test: it passes where the process ends with 0. `file` counts what `StageResults` says. */
  counts: 'exit-code' | 'file';
}

export interface StageReport {
  name: string;
  passed: number;
  failures: { title: string; error: string }[];
  seconds: number;
}

/** A stage that is still running then is stuck, in milliseconds. */
const STAGE_TIMEOUT_MS = 45 * 60_000;
const KILL_AFTER_MS = 5000;

export const root = path.resolve(import.meta.dirname, '..');
const tool = (file: string) => path.join(root, 'node_modules', file);

/** Need nothing of each other, so they run side by side. */
export const CHECKS: Stage[] = [
  { name: 'types', argv: [tool('typescript/bin/tsc'), '--noEmit'], counts: 'exit-code' },
  {
    name: 'lint',
    argv: [tool('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'],
    counts: 'exit-code',
  },
  { name: 'build', argv: [path.join(root, 'server/cli/bootstrap.mjs'), 'build'], counts: 'exit-code' },
];

/** Folders of `test` that must have tests: an emptied one fails instead of passing unseen. */
const REQUIRED = ['unit', 'contract', 'webview', 'relay', 'chaos', 'e2e'];

/** Folders of `test/relay` that are about machines themselves: half the time of all tests, so they run beside the rest of it. */
const MACHINES = ['conformance', 'container', 'daytona', 'sandbox'].map((folder) => `test/relay/${folder}`);

/**
 * One stage a folder with tests, quick ones first; a new folder needs no entry here. VS Code has a runner of its own. Stages in one list run
 * side by side.
 */
export function testStages(): Stage[][] {
  const found = readdirSync(path.join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['fixtures', 'vscode', ...REQUIRED].includes(entry.name))
    .map((entry) => entry.name)
    .filter((name) => hasTests(path.join(root, 'test', name)));
  const stage = (name: string): Stage => ({ name, argv: mocha([`test/${name}`]), counts: 'file' });
  const relay = [
    { ...stage('relay'), argv: mocha(['test/relay'], MACHINES) },
    { ...stage('machines'), argv: mocha(MACHINES) },
  ];
  return [
    ...[...REQUIRED, ...found].map((name) => (name === 'relay' ? relay : [stage(name)])),
    [{ name: 'vscode', argv: [path.join(root, 'test/vscode/run.ts')], counts: 'file' }],
  ];
}

function mocha(folders: string[], without: string[] = []): string[] {
  const config = ['--config', path.join(root, '.mocharc.json')];
  const reporter = ['--reporter', path.join(root, 'test/reporter.mjs')];
  const ignored = without.flatMap((folder) => ['--ignore', `${folder}/**`]);
  const files = folders.map((folder) => `${folder}/**/*.test.{ts,tsx}`);
  return [tool('mocha/bin/mocha.js'), ...config, ...reporter, ...ignored, ...files];
}

function hasTests(folder: string): boolean {
  return readdirSync(folder, { recursive: true }).some((name) => /\.test\.tsx?$/.test(String(name)));
}

/**
 * What a test process sees of the person's machine: Node 24 first on the path, none of their Handoff or Git settings.
 * A global `commit.gpgsign` would otherwise decide whether tests pass.
 */
function testEnvironment(resultsFile: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(HANDOFF_|GIT_|DAYTONA_)/.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: [path.dirname(process.execPath), tool('.bin'), process.env.PATH].join(path.delimiter),
    GIT_CONFIG_GLOBAL: process.platform === 'win32' ? 'NUL' : '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    HANDOFF_TEST_RESULTS: resultsFile,
  };
}

/**
 * Runs a stage to its end.
 * @param show gets its output as it comes
 */
export async function runStage(stage: Stage, show: (text: string) => void): Promise<StageReport> {
  const folder = mkdtempSync(path.join(tmpdir(), 'handoff-stage-'));
  const resultsFile = path.join(folder, 'results.json');
  const started = performance.now();
  try {
    const ended = await runNode(stage.argv, testEnvironment(resultsFile), show);
    const seconds = (performance.now() - started) / 1000;
    return { name: stage.name, seconds, ...outcome(stage, ended, resultsFile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns how it ended, in words that go after "it"; nothing where it ended well */
function runNode(argv: string[], env: NodeJS.ProcessEnv, show: (text: string) => void) {
  return new Promise<string | undefined>((resolve) => {
    const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', show);
    child.stderr.setEncoding('utf8').on('data', show);
    let stuck = false;
    const stop = () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
    };
    const timer = setTimeout(() => {
      stuck = true;
      stop();
    }, STAGE_TIMEOUT_MS);
    process.once('SIGTERM', stop);
    child.on('error', (error) => resolve(`did not start: ${error.message}`));
    // Not `close`: a process that a test left behind keeps the pipes open.
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      process.off('SIGTERM', stop);
      if (stuck) resolve(`was still running after ${STAGE_TIMEOUT_MS / 60_000} minutes`);
      else resolve(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

function outcome(
  stage: Stage,
  ended: string | undefined,
  resultsFile: string,
): Pick<StageReport, 'passed' | 'failures'> {
  const fault = (error: string) => ({ title: `${stage.name} stage`, error });
  if (stage.counts === 'exit-code') {
    return { passed: ended ? 0 : 1, failures: ended ? [fault(`it ${ended}`)] : [] };
  }
  if (!existsSync(resultsFile)) {
    return { passed: 0, failures: [fault(`it ${ended ?? 'ended'} without results: it crashed`)] };
  }
  const { passed, failures } = StageResults.parse(JSON.parse(readFileSync(resultsFile, 'utf8')));
  if (passed + failures.length === 0) return { passed, failures: [fault('it ran no tests')] };
  if (ended && failures.length === 0)
    return { passed, failures: [fault(`its tests passed, but it ${ended}`)] };
  return { passed, failures };
}
