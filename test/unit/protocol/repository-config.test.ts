import assert from 'node:assert/strict';
import { readRepositoryConfig } from '../../../server/protocol/repository-config.ts';

const read = (config: unknown) => readRepositoryConfig(JSON.stringify(config));
const check = (name: string) => ({ name, command: 'true' });

describe('a repository’s configuration', () => {
  it('is read with its defaults, and what another version knows is left alone', () => {
    const read = readRepositoryConfig(
      '\uFEFF{"checks": [{"name": " tests ", "command": "npm test", "later": 1}], "later": {}}',
    );
    assert.deepEqual(read, {
      ok: true,
      config: { checks: [{ name: 'tests', command: 'npm test', timeoutMs: 600_000 }] },
    });
    assert.deepEqual(readRepositoryConfig('{}'), { ok: true, config: { checks: [] } });
  });

  const BROKEN: [why: string, text: string, says: RegExp][] = [
    ['no JSON', '{"checks": [', /^It is not JSON: /],
    ['an empty file', '', /^It is not JSON: /],
    ['no object', '[]', /expected object/],
    ['checks that are no list', '{"checks": {}}', /expected array[\s\S]*checks/],
    ['no command', '{"checks": [{"name": "a"}]}', /checks\[0\]\.command/],
    ['an empty name', '{"checks": [{"name": " ", "command": "true"}]}', /checks\[0\]\.name/],
    ['a name of two lines', '{"checks": [{"name": "a\\nb", "command": "true"}]}', /must be one line/],
    ['no time', '{"checks": [{"name": "a", "command": "true", "timeoutMs": 0}]}', /checks\[0\]\.timeoutMs/],
    ['two of a name', JSON.stringify({ checks: [check('a'), check('a')] }), /two checks have the same name/],
  ];
  for (const [why, text, says] of BROKEN) {
    it(`is refused, with the reason, for ${why}`, () => {
      const result = readRepositoryConfig(text);
      assert.ok(!result.ok);
      assert.match(result.problem, says);
    });
  }

  it('has ten checks at most', () => {
    const some = (n: number) => ({ checks: Array.from({ length: n }, (_, index) => check(String(index))) });
    assert.equal(read(some(10)).ok, true);
    assert.equal(read(some(11)).ok, false);
  });
});
