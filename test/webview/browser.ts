import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';

const CACHE = path.resolve(import.meta.dirname, '../../.vscode-test');
/** For a container: no user namespace, no GPU, no talk with the browser's maker. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--force-color-profile=srgb',
];

/** A headless Chromium: `CHROME_PATH`, the system's own, else the one that npm brought (Linux x64). The caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ ...(await findBrowser()), headless: true, args: ARGS });
}

interface Executable {
  executablePath: string;
  env?: Record<string, string>;
}

async function findBrowser(): Promise<Executable> {
  const installed = [
    process.env['CHROME_PATH'],
    '/usr/bin/chromium',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ].find((candidate) => candidate !== undefined && existsSync(candidate));
  if (installed !== undefined) return { executablePath: installed };
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('no Chrome or Chromium was found: install one, or name it in CHROME_PATH');
  const folder = path.join(CACHE, 'chromium');
  if (!existsSync(folder)) await unpack(folder);
  const libraries = [path.join(folder, 'lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  return {
    executablePath: path.join(folder, 'chromium'),
    env: { ...environment(), LD_LIBRARY_PATH: libraries },
  };
}

/** The npm package holds the browser and the libraries that a bare machine lacks, each compressed. */
async function unpack(folder: string): Promise<void> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const bin = path.join(entry.slice(0, entry.lastIndexOf('/build/')), 'bin');
  await mkdir(CACHE, { recursive: true });
  const unpacked = await mkdtemp(path.join(CACHE, 'chromium-'));
  for (const name of ['al2023', 'swiftshader', 'fonts']) {
    const archive = path.join(unpacked, `${name}.tar`);
    await writeFile(archive, await decompress(path.join(bin, `${name}.tar.br`)));
    await promisify(execFile)('tar', ['xf', archive, '-C', unpacked]);
    await rm(archive);
  }
  await writeFile(path.join(unpacked, 'chromium'), await decompress(path.join(bin, 'chromium.br')), {
    mode: 0o755,
  });
  // Whoever was first has it: another test run may have unpacked it meanwhile.
  await rename(unpacked, folder).catch(async (error: unknown) => {
    await rm(unpacked, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
}

async function decompress(file: string): Promise<Buffer> {
  return promisify(brotliDecompress)(await readFile(file));
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
