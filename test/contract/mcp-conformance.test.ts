import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SUITE = new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url);
const CLIENT = new URL('../fakes/mcp/conformance-client.ts', import.meta.url);

/** Scenarios of the published suite for clients, and why one is not for this client. */
const SCENARIOS: Record<string, 'holds' | string> = {
  initialize: 'holds',
  tools_call: 'holds',
  'sse-retry': 'holds',
  'elicitation-sep1034-client-defaults':
    'a server is not offered to ask the person: nobody may be there, and what it asks is a stranger’s word',
  'auth/*': 'servers are given credentials by the relay’s owner (HANDOFF_MCP); nobody is there to sign in',
};
const reasonFor = (scenario: string): string | undefined =>
  SCENARIOS[scenario] ?? (scenario.startsWith('auth/') ? SCENARIOS['auth/*'] : undefined);

const suite = (...args: string[]) =>
  run(process.execPath, [SUITE.pathname, ...args], { timeout: 60_000, maxBuffer: 16 << 20 });

describe('the published MCP conformance suite, for clients', function () {
  this.timeout(90_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'handoff-mcp-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('has no scenario that is neither run nor left out for a reason', async () => {
    const { stdout } = await suite('list', '--client');
    const names = [...stdout.matchAll(/^ {2}- (\S+)/gm)].flatMap(([, name = '']) => name);
    assert.ok(names.includes('initialize'), stdout);
    assert.deepEqual(
      names.filter((name) => reasonFor(name) === undefined),
      [],
    );
  });

  for (const [scenario, reason] of Object.entries(SCENARIOS).filter(([, why]) => why === 'holds')) {
    it(`${reason}: ${scenario}`, async () => {
      const command = `${process.execPath} ${CLIENT.pathname}`;
      const { stdout, stderr } = await suite(
        ...['client', '--command', command, '--scenario', scenario, '--output-dir', folder],
      );
      assert.match(stdout + stderr, /OVERALL: PASSED/);
    });
  }
});
