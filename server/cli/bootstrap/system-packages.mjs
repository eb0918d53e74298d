// The three programs that npm cannot bring: Git, and what the local sandbox is made of.
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runQuietly } from './run-quietly.mjs';

/** Program to package; the packages have these names in all the systems below. */
const PACKAGES = { git: 'git', bwrap: 'bubblewrap', rg: 'ripgrep' };

/** First found wins. */
const INSTALLERS = [
  ['apt-get', 'apt-get install -y'],
  ['dnf', 'dnf install -y'],
  ['pacman', 'pacman -S --noconfirm'],
  ['zypper', 'zypper install -y'],
  ['apk', 'apk add'],
  ['brew', 'brew install'],
];

/** Another apt may hold the package lists: how often and how long is waited for it. */
const APT_ATTEMPTS = 60;
const APT_PAUSE_MS = 5000;

function onPath(program) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => {
    const file = path.join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}

/** @returns {string[]} packages whose program is not on the path; the sandbox's only where there is a local sandbox */
export function missingPackages() {
  const programs = process.platform === 'linux' ? Object.keys(PACKAGES) : ['git'];
  return programs.filter((program) => !onPath(program)).map((program) => PACKAGES[program]);
}

/** @returns {string} the command that brings them here, for a person to run */
export function installCommand(packages) {
  const [name, command] = INSTALLERS.find(([program]) => onPath(program)) ?? [
    '',
    'Install with your system:',
  ];
  const sudo = name === '' || name === 'brew' || process.getuid?.() === 0 ? '' : 'sudo ';
  return `${sudo}${command} ${packages.join(' ')}`;
}

/** Whether this process may install them itself. */
export function canInstall() {
  return process.platform === 'linux' && process.getuid?.() === 0 && onPath('apt-get');
}

/** @throws {Error} with apt's own words */
export async function installPackages(packages) {
  await apt(['update']);
  await apt(['install', '-y', '--no-install-recommends', ...packages]);
}

async function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  for (let attempt = 1; ; attempt++) {
    const { code, output } = await runQuietly('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      env,
    });
    if (code === 0) return;
    if (attempt === APT_ATTEMPTS || !output.includes('Could not get lock'))
      throw new Error(`apt-get ${args[0]} failed:\n${output}`);
    await delay(APT_PAUSE_MS);
  }
}
