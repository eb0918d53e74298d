// `node_modules` as `package-lock.json` says, by npm alone.
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runQuietly } from './run-quietly.mjs';

const STAMP = 'node_modules/.handoff-install';

function hashOf(root) {
  const lock = readFileSync(path.join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}`;
}

/** Whether what npm recorded of `node_modules` is what the lock file asks for on this platform. */
function recordMatches(root) {
  let wanted;
  let present;
  try {
    wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
    present = JSON.parse(readFileSync(path.join(root, 'node_modules/.package-lock.json'), 'utf8')).packages;
  } catch {
    return false;
  }
  const suits = (rule, value) => {
    const list = [rule ?? value].flat();
    return (
      !list.includes(`!${value}`) && (list.includes(value) || list.every((name) => name.startsWith('!')))
    );
  };
  return Object.entries(wanted).every(([name, { version, os, cpu, libc, optional }]) => {
    if (name === '' || present[name]?.version === version) return true;
    return (
      optional === true && (libc !== undefined || !suits(os, process.platform) || !suits(cpu, process.arch))
    );
  });
}

/** True where nothing needs to be installed. Quick where a former run has left its stamp. */
export function areInstalled(root) {
  const hash = hashOf(root);
  try {
    if (readFileSync(path.join(root, STAMP), 'utf8') === hash) return true;
  } catch {
    // no stamp: the person may have installed by hand
  }
  if (!recordMatches(root)) return false;
  try {
    writeFileSync(path.join(root, STAMP), hash);
  } catch {
    // not ours to write: then the record is compared again next time
  }
  return true;
}

/**
 * `npm ci` without install scripts, development tools included whatever the person's npm settings are.
 * @throws {Error} with npm's own words
 */
export async function installDependencies(root) {
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--prefer-offline'];
  const quiet = ['--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  const env = { ...process.env };
  // They are about the npm that runs this one: its folder is not this command's.
  for (const name of ['npm_config_prefix', 'npm_config_local_prefix', 'npm_config_global']) delete env[name];
  const npm = process.env.npm_execpath;
  const [command, head] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // An install that was cut short must not look like a finished one.
  rmSync(path.join(root, STAMP), { force: true });
  const { code, output } = await runQuietly(command, [...head, ...args, ...quiet], { cwd: root, env });
  if (code !== 0) throw new Error(`npm ci failed in ${root}:\n${output}`);
  writeFileSync(path.join(root, STAMP), hashOf(root));
}
