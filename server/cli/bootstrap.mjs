// `npm start` and `npm test` from a fresh clone, on the Node that the person has (20 or newer) and nothing but Node's own
// modules: installs what is missing, builds what is stale, then hands over to Node 24.
//
//   node server/cli/bootstrap.mjs start [arguments of the CLI]
//   node server/cli/bootstrap.mjs test  [arguments of test/run.ts]
//   node server/cli/bootstrap.mjs build
//
// Everything it says goes to stderr: stdout belongs to the command.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, isBuilt } from './bootstrap/build.mjs';
import { areInstalled, installDependencies } from './bootstrap/dependencies.mjs';
import { registerUser, takeLock, waitForUsers } from './bootstrap/lock.mjs';
import { findNode } from './bootstrap/node-24.mjs';
import { listenForSignals, redirectSignals } from './bootstrap/signals.mjs';
import {
  canInstall,
  installCommand,
  installPackages,
  missingPackages,
} from './bootstrap/system-packages.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** Not inside `node_modules`, which `npm ci` removes. */
const locks = path.join(root, 'dist/.bootstrap');

const say = (line) => process.stderr.write(`handoff: ${line}\n`);

/** Runs a piece of work with a line before it and one after it. */
async function step(title, work) {
  const started = Date.now();
  say(`${title} ...`);
  await work();
  say(`${title}: done in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

async function ensureDependencies() {
  if (areInstalled(root)) return;
  await waitForUsers(locks, (pids) =>
    say(
      `the dependencies have changed; waiting for process ${pids.join(', ')} to end, which uses the old ones`,
    ),
  );
  await step('installing dependencies (about a minute the first time)', () => installDependencies(root));
}

async function ensureSystemPackages() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  try {
    if (canInstall()) return await step(`installing ${missing.join(', ')}`, () => installPackages(missing));
    say(`${missing.join(', ')} missing. Install with:\n\n    ${installCommand(missing)}\n`);
  } catch (error) {
    say(`${error.message}\nInstall with:\n\n    ${installCommand(missing)}\n`);
  }
}

/** Brings the clone up to date; two at once do it once. */
async function prepare({ withBuild }) {
  const release = await takeLockIfWritable();
  try {
    await Promise.all([ensureDependencies(), ensureSystemPackages()]);
    const node = findNode(root);
    if (withBuild && !isBuilt(root)) await step('building', () => build(root, node));
    if (release) registerUser(locks);
    return node;
  } finally {
    release?.();
  }
}

/** A clone that belongs to somebody else can be used as it is, as long as nothing in it has to change. */
async function takeLockIfWritable() {
  try {
    return await takeLock(locks, (pid) => say(`waiting for process ${pid}, which is preparing this clone`));
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(error.code)) throw error;
    if (areInstalled(root) && isBuilt(root)) return undefined;
    throw new Error(
      `${root} is not writable for you: run this as its owner, or clone it into a folder of your own`,
    );
  }
}

/** Where the person typed the command: npm runs scripts in the package's folder and leaves the other in INIT_CWD. */
function personsFolder() {
  const { INIT_CWD, npm_package_json: manifest } = process.env;
  try {
    if (INIT_CWD && manifest && realpathSync(path.dirname(manifest)) === realpathSync(root))
      return realpathSync(INIT_CWD);
  } catch {
    return root;
  }
  return process.cwd();
}

/** Runs Node on `args` in this terminal and ends as it ends. */
function handOver(node, args, cwd) {
  const child = spawn(node, args, { cwd, stdio: 'inherit', env: process.env });
  redirectSignals((signal) => {
    // The terminal sends Ctrl-C to the child as well.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
  child.on('error', (error) => {
    say(
      `${node} does not start: ${error.message}. Install Node 24 from https://nodejs.org and remove node_modules.`,
    );
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** `start` alone opens the editor; a word after it is a command of the CLI. */
function cliArguments(args) {
  const [first] = args;
  const isForCli =
    first !== undefined && (!first.startsWith('-') || ['-h', '--help', '--version'].includes(first));
  return isForCli ? args : ['start', ...args];
}

async function main([command, ...args]) {
  if (command === 'start') {
    const node = await prepare({ withBuild: true });
    handOver(node, [path.join(root, 'dist/relay.mjs'), ...cliArguments(args)], personsFolder());
  } else if (command === 'test') {
    const node = await prepare({ withBuild: false });
    handOver(node, [path.join(root, 'test/run.ts'), ...args], root);
  } else if (command === 'build') {
    await prepare({ withBuild: true });
  } else {
    say('usage: bootstrap.mjs start|test|build');
    process.exitCode = 2;
  }
}

if (!existsSync(path.join(root, 'package-lock.json'))) {
  say(`${root} is not a clone of Handoff: package-lock.json is missing`);
  process.exit(1);
}
listenForSignals();
main(process.argv.slice(2)).catch((error) => {
  say(error.message);
  // Whoever reads the last line of a test run must not take the one before it for the result.
  if (process.argv[2] === 'test') process.stdout.write('\n0 passed, 1 failed\n');
  process.exitCode = 1;
});
