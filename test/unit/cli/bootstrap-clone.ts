import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

const cli = path.resolve(import.meta.dirname, '../../../server/cli');

/** A tiny clone: the real bootstrap, with an `npm`, a bundler and system programs that write down what they were asked. */
export interface Clone {
  root: string;
  /** Programs on the path of what runs in it. */
  bin: string;
  write(file: string, text: string): void;
  program(name: string, script: string): void;
  /** What `npm`, the bundler and `apt-get` were asked so far, a line each. */
  log(): string[];
  /** Starts the bootstrap without waiting for its end; `byShell` as npm does, which starts a shell that starts it. */
  start(args: string[], env?: Record<string, string>, options?: { byShell: boolean }): Run;
  /** Runs it to its end. */
  run(args: string[], env?: Record<string, string>): Promise<Ended>;
  remove(): void;
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Run {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves once stderr and stdout together contain `text`. */
  said(text: string): Promise<void>;
  ended: Promise<Ended>;
}

/** What the build is known by, but for the relay. */
const OUTPUTS = [
  ...[
    'extension.cjs',
    'webview.js',
    'highlight.mjs',
    'daytona.mjs',
    'tracing.mjs',
    'egress.mjs',
    'supervisor.mjs',
  ],
  ...['supervisor-container.mjs', 'supervisor-stdio.mjs', 'spawner.mjs', 'supervisor-websocket.mjs'],
];

/** What is installed and built in the clone: `relay.mjs` says how it was called, and can wait for the end of its input or for a signal. */
const PROGRAM = `
const [first] = process.argv.slice(2);
if (first === 'wait') process.stdin.resume();
if (first === 'stay') setInterval(() => {}, 1000);
process.on('SIGTERM', () => { console.log('told to end'); process.exit(7); });
console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }));
if (first === 'fail') process.exit(5);
`;

export function makeClone(): Clone {
  const root = mkdtempSync(path.join(tmpdir(), 'handoff-clone-'));
  const bin = path.join(root, 'bin');
  const logFile = path.join(root, 'asked.log');
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  const program = (name: string, script: string) => {
    write(`bin/${name}`, `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, name), 0o755);
  };
  cpSync(path.join(cli, 'bootstrap.mjs'), path.join(root, 'server/cli/bootstrap.mjs'));
  cpSync(path.join(cli, 'bootstrap'), path.join(root, 'server/cli/bootstrap'), { recursive: true });
  write('package.json', '{ "name": "handoff" }');
  write('package-lock.json', JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }));
  write(
    'esbuild.mjs',
    `import fs from 'node:fs';
fs.appendFileSync(${JSON.stringify(logFile)}, 'build\\n');
if (fs.existsSync('broken')) { console.error('a syntax error'); process.exit(1); }
for (const name of ${JSON.stringify(OUTPUTS)}) fs.writeFileSync('dist/' + name, '1');
fs.writeFileSync('dist/relay.mjs', ${JSON.stringify(PROGRAM)});`,
  );
  write('test/run.ts', PROGRAM);
  const node = path.join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
  program(
    'npm',
    [
      `echo "npm $*" >> ${logFile}`,
      `test -e ${root}/slow && { exec /bin/sleep 60; }`,
      `test -e ${root}/no-network && { echo 'npm error code ENOTFOUND' >&2; exit 1; }`,
      `/bin/rm -rf ${root}/node_modules && /bin/mkdir -p ${node} && /bin/ln -s ${process.execPath} ${node}/node`,
      `/bin/cp ${root}/package-lock.json ${root}/node_modules/.package-lock.json`,
    ].join('\n'),
  );
  for (const name of ['git', 'bwrap', 'rg']) program(name, 'exit 0');

  const start: Clone['start'] = (args, env = {}, { byShell } = { byShell: false }) => {
    const command = [process.execPath, path.join(root, 'server/cli/bootstrap.mjs'), ...args];
    const [file = '', ...rest] = byShell ? ['/bin/sh', '-c', '"$@"; exit $?', 'sh', ...command] : command;
    const child = spawn(file, rest, {
      cwd: root,
      env: { PATH: bin, HOME: root, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    const waiting = new Set<() => void>();
    const look = () => {
      for (const check of waiting) check();
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      look();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      look();
    });
    const ended = once(child, 'close').then(([code]) => ({ code, stdout, stderr }));
    const said = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const check = () => (stdout + stderr).includes(text) && resolve();
        waiting.add(check);
        void ended.then(() => reject(new Error(`it ended without saying "${text}":\n${stdout}${stderr}`)));
        check();
      });
    return { child, said, ended };
  };
  return {
    ...{ root, bin, write, program, start },
    log: () => {
      try {
        return readFileSync(logFile, 'utf8').trimEnd().split('\n');
      } catch {
        return [];
      }
    },
    run: async (args, env) => {
      const { child, ended } = start(args, env);
      child.stdin.end();
      return await ended;
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
