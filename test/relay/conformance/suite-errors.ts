import assert from 'node:assert/strict';
import { type Sandbox, SandboxError, type SandboxErrorCode } from '../../../server/sandbox/sandbox.ts';
import { request, shell } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

type Provoked = [what: string, code: SandboxErrorCode, provoke: (sandbox: Sandbox) => Promise<unknown>];

const write = (sandbox: Sandbox, path: string, expected?: string | null): Promise<unknown> =>
  sandbox.writeFile({ path, data: Buffer.from('x'), ...(expected === undefined ? {} : { expected }) });

const PROVOKED: Provoked[] = [
  ['a file that is not there', 'not-found', (sandbox) => sandbox.readFile('nowhere/at/all')],
  ['a file below a file', 'not-found', (sandbox) => sandbox.readFile('file/below')],
  ['writing below a file', 'not-found', (sandbox) => write(sandbox, 'file/below')],
  ['reading a folder', 'is-directory', (sandbox) => sandbox.readFile('folder')],
  ['writing a folder', 'is-directory', (sandbox) => write(sandbox, 'folder')],
  ['reading the workspace', 'is-directory', (sandbox) => sandbox.readFile('.')],
  ['writing the workspace', 'is-directory', (sandbox) => write(sandbox, '')],
  ['reading a pipe', 'not-a-file', (sandbox) => sandbox.readFile('pipe')],
  ['writing a pipe', 'not-a-file', (sandbox) => write(sandbox, 'pipe')],
  ['a file that may not be read', 'permission', (sandbox) => sandbox.readFile('locked')],
  ['a folder that may not be written', 'permission', (sandbox) => write(sandbox, 'shut/file')],
  ['a place outside', 'outside-workspace', (sandbox) => sandbox.readFile('../outside')],
  ['a file that changed', 'changed', (sandbox) => write(sandbox, 'file', '0'.repeat(64))],
  ['a file that is there', 'exists', (sandbox) => write(sandbox, 'file', null)],
  ['a bad pattern', 'bad-pattern', (sandbox) => sandbox.grep({ pattern: '(', limit: 1 })],
  [
    'a search that was given up',
    'cancelled',
    (sandbox) => sandbox.grep({ pattern: 'x', limit: 1, signal: AbortSignal.abort() }),
  ],
  [
    'more than a tool takes',
    'too-large',
    (sandbox) => sandbox.writeFile({ path: 'large', data: Buffer.alloc(65 << 20) }),
  ],
  [
    'a folder to run in that is not there',
    'not-found',
    (sandbox) => sandbox.exec(request(['pwd'], { cwd: 'no' })),
  ],
  ['a name with a NUL', 'failed', (sandbox) => sandbox.readFile('\0')],
];

/** What goes wrong has a type, and words for a person. */
export const errors: Topic = (fixture) => {
  const machine = machineFor(fixture);
  before(() =>
    shell(
      machine(),
      'mkdir folder shut; mkfifo pipe; echo text > file; touch locked; chmod 000 locked; chmod 555 shut',
    ),
  );

  for (const [what, code, provoke] of PROVOKED) {
    it(`has the code ${code} for ${what}`, async () => {
      await assert.rejects(provoke(machine()), (error) => {
        assert.ok(error instanceof SandboxError, String(error));
        assert.equal(error.code, code);
        assert.ok(error.message.length > 20, error.message);
        return true;
      });
    });
  }

  it('leaves the machine as usable as before', async () => {
    assert.deepEqual(await shell(machine(), 'cat file; ls'), {
      code: 0,
      out: 'text\nfile\nfolder\nlocked\npipe\nshut\n',
      err: '',
    });
  });
};
