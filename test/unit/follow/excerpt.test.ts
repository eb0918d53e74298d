import assert from 'node:assert/strict';
import fc from 'fast-check';
import { excerptOf, withoutCredentials } from '../../../server/follow/excerpt.ts';

const lines = (count: number, name = 'line') =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`);

describe('what matters of a log', () => {
  it('is all of a short one, without times, colours and what was overwritten', () => {
    const log = [
      '\uFEFF2026-01-02T03:04:05.1234567Z \u001b[31mred\u001b[0m and \u001b]8;;http://x\u0007linked\u001b]8;;\u0007',
      '2026-01-02T03:04:05.1234567Z 10%\r50%\r100%\r',
      '2026-01-02T03:04:05.1234567Z bell\u0007',
      '',
    ].join('\r\n');
    assert.equal(excerptOf(log, 1000), 'red and linked\n\nbell');
  });

  it('is where it went wrong and how it ended; what is left out is counted', () => {
    const log = [
      ...lines(100, 'install'),
      'src/parse.js:3: error: missing brace',
      ...lines(200, 'test'),
      '12 passed, 0 failed',
      ...lines(100, 'end'),
      '##[error]Process completed with exit code 1.',
      'Post job cleanup.',
      'error: of the clean-up',
    ].join('\n');
    assert.equal(
      excerptOf(log, 1200),
      [
        '[97 lines left out]',
        'install 97',
        'install 98',
        'install 99',
        'src/parse.js:3: error: missing brace',
        ...lines(8, 'test'),
        '[254 lines left out]',
        ...lines(100, 'end').slice(-39),
        '##[error]Process completed with exit code 1.',
      ].join('\n'),
    );
  });

  it('has what runners mark before what only sounds like an error', () => {
    const log = [...lines(300, 'error'), '##[error]here', ...lines(300, 'end')].join('\n');
    assert.match(excerptOf(log, 600), /##\[error\]here\nend 0\n/);
  });

  it('has no credential, however it is written', () => {
    const secrets = {
      'token ghp_0123456789abcdefghij0123456789abcdef': 'token [struck out]',
      'git clone https://sam:hunter22@example.com/x.git':
        'git clone https://sam:[struck out]@example.com/x.git',
      'Authorization: Bearer abcdefgh12345678': 'Authorization: Bearer [struck out]',
      'DB_PASSWORD="correct-horse"': 'DB_PASSWORD="[struck out]"',
      'api-key: 0123456789': 'api-key: [struck out]',
      'jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl.': 'jwt [struck out].',
      'a b -----BEGIN RSA PRIVATE KEY-----\nMIIE\nxyz\n-----END RSA PRIVATE KEY----- c': 'a b [struck out] c',
      'password: ***': 'password: ***',
      'no secret at all': 'no secret at all',
    };
    assert.deepEqual(Object.keys(secrets).map(withoutCredentials), Object.values(secrets));
  });

  it('strikes out what the task’s person would not have shown', () => {
    assert.equal(
      excerptOf('error: canary-value is wrong', 100, (text) => text.replaceAll('canary-value', '[secret X]')),
      'error: [secret X] is wrong',
    );
  });

  it('never is longer than allowed but for the counts, and every line of it is one of the log', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('error: x', '##[error]y', 'ok 1', '', 'a'.repeat(1000), '\u{1F600}'.repeat(300)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 300 }), fc.integer({ min: 0, max: 3000 }), (log, most) => {
        const excerpt = excerptOf(log.join('\n'), most);
        assert.ok(excerpt.isWellFormed());
        const said = excerpt.split('\n').filter((one) => !/^\[\d+ lines left out\]$/.test(one));
        assert.ok(said.join('\n').length <= most);
      }),
      { numRuns: 300 },
    );
  });

  it('takes a moment, whatever the log is made of', function () {
    this.timeout(10_000);
    for (const piece of [
      'a',
      'password',
      '-----BEGIN PRIVATE KEY-----',
      'eyJ',
      'eyJ-',
      'eyJ-eyJ.',
      'x://y:',
      'password-',
      'bearer ',
      '\u001b]',
      'token = "',
      '\u001b[',
    ]) {
      const log = piece.repeat(Math.ceil((1024 * 1024) / piece.length));
      const started = performance.now();
      assert.ok(excerptOf(log, 1000).length <= 1100);
      const took = performance.now() - started;
      assert.ok(took < 1500, `${piece}: ${took} ms`);
    }
  });
});
