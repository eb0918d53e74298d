import assert from 'node:assert/strict';
import { isAutomation } from '../../../server/guard/automation.ts';
import { MAX_FINDINGS, secretFile, secretsIn } from '../../../server/guard/secret-scan.ts';

/** Made up here and put together, so that no scan of this file finds any. */
const mixed = (length: number): string => 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0'.repeat(20).slice(0, length);
const hex = (length: number): string => '0f9a8b7c6d5e4f3a2b1c'.repeat(20).slice(0, length);

const SECRETS: [rule: string, value: string, around?: (value: string) => string][] = [
  ['aws-access-key', `AKIA${'Q7RT2XVN5LPC3KJD'}`],
  ['github-token', `ghp_${mixed(36)}`],
  ['github-token', `gho_${mixed(36)}`],
  ['github-token', `github_pat_${mixed(22)}_${mixed(59)}`],
  ['gitlab-token', `glpat-${mixed(20)}`],
  ['slack-token', `xoxb-${'123456789012'}-${mixed(24)}`],
  ['slack-webhook', `https://hooks.slack.com/services/T0${hex(8)}/B0${hex(8)}/${mixed(24)}`],
  ['stripe-key', `sk_live_${mixed(24)}`],
  ['anthropic-key', `sk-ant-api03-${mixed(40)}`],
  ['openai-key', `sk-proj-${mixed(40)}`],
  ['google-key', `AIza${mixed(35)}`],
  ['npm-token', `npm_${mixed(36)}`],
  ['pypi-token', `pypi-AgEIcHlwaS5vcmc${mixed(60)}`],
  ['docker-token', `dckr_pat_${mixed(27)}`],
  ['sendgrid-key', `SG.${mixed(22)}.${mixed(43)}`],
  ['azure-account-key', `${mixed(86)}==`, (value) => `AccountName=x;AccountKey=${value};`],
  ['digitalocean-token', `dop_v1_${hex(64)}`],
  ['huggingface-token', `hf_${'aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH'}`],
  ['vault-token', `hvs.${mixed(24)}`],
  ['shopify-token', `shpat_${hex(32)}`],
  ['telegram-token', `123456789:AA${mixed(33)}`],
  ['json-web-token', `eyJ${mixed(20)}.eyJ${mixed(40)}.${mixed(43)}`],
  ['age-key', `AGE-SECRET-KEY-1${'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'.repeat(2).slice(0, 58)}`],
  ['password-in-url', `Tr0ub4dor${'&3xy'}`, (value) => `postgres://sam:${value}@db.internal/app`],
  ['assigned-secret', mixed(32), (value) => `api_key: "${value}"`],
  ['assigned-secret', mixed(32), (value) => `export SESSION_SECRET=${value}`],
  ['assigned-secret', mixed(32), (value) => `  "clientSecret": "${value}",`],
  ['assigned-secret', hex(40), (value) => `const authToken = '${value}';`],
];

const NONE = [
  'const token = process.env.GITHUB_TOKEN;',
  'password: \u0024{DATABASE_PASSWORD_FROM_VAULT_1}',
  'api_key = "your-api-key-goes-here-123"',
  'secret: "xxxxxxxxxxxxxxxxxxxxxxxx12"',
  `aws_access_key_id = AKIA${'IOSFODNN7'}EXAMPLE`,
  'tokenizer = "sentence-transformers/all-MiniLM-L6-v2"',
  'passwordResetTemplate: "emails/password-reset/index"',
  `"integrity": "sha512-${mixed(86)}=="`,
  'postgres://user:password@localhost/app',
  'https://example.com/a:b@c',
  'ghp_short',
  'the secret of a good token is in its name, which is long enough 12',
  'const secret = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa11";',
  '',
];

describe('a scan for secrets', () => {
  for (const [rule, value, around = (text: string) => `value ${text}`] of SECRETS) {
    it(`finds ${rule} in ${around('…')}, and tells nothing of it`, () => {
      const text = `first\n${around(value)}\nlast\n`;
      const [found, ...more] = secretsIn({ path: 'a.txt', line: 10, text });
      assert.deepEqual([found?.rule, found?.path, found?.line, more], [rule, 'a.txt', 11, []]);
      const told = JSON.stringify(found);
      assert.ok(!told.includes(value) && !told.includes(value.slice(-12)), told);
    });
  }

  for (const text of NONE) {
    it(`finds nothing in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(secretsIn({ path: 'a.txt', line: 1, text }), []);
    });
  }

  it('finds private keys, and tells one from another', () => {
    const key = (body: string) => `-----BEGIN OPENSSH ${'PRIVATE'} KEY-----\n${body}\n-----END-----\n`;
    const [one] = secretsIn({ path: 'k', line: 1, text: key('AAAA') });
    const [same] = secretsIn({ path: 'k', line: 7, text: key('AAAA') });
    const [other] = secretsIn({ path: 'k', line: 1, text: key('BBBB') });
    assert.equal(one?.rule, 'private-key');
    assert.equal(one?.fingerprint, same?.fingerprint);
    assert.notEqual(one?.fingerprint, other?.fingerprint);
    assert.ok(!JSON.stringify(one).includes('AAAA'));
  });

  it('names the same value in another file by another fingerprint', () => {
    const of = (path: string) => secretsIn({ path, line: 1, text: `ghp_${mixed(36)}` })[0]?.fingerprint;
    assert.equal(of('a'), of('a'));
    assert.notEqual(of('a'), of('b'));
  });

  it('finds each of several, on its own line', () => {
    const text = `ghp_${mixed(36)}\n\nnpm_${mixed(36)} ghp_${mixed(40)}\n`;
    assert.deepEqual(
      secretsIn({ path: 'a', line: 1, text })
        .map(({ rule, line }) => [rule, line])
        .sort(),
      [
        ['github-token', 1],
        ['github-token', 3],
        ['npm-token', 3],
      ],
    );
  });

  it('tells each value once, where it is first, and stops at one more than is of use', () => {
    const key = (index: number) =>
      `AKIA${index.toString(2).padStart(16, '0').replace(/0/g, 'Q').replace(/1/g, 'R')}`;
    const keys = Array.from({ length: MAX_FINDINGS + 100 }, (_, index) => key(index));
    const twice = [...keys.slice(0, 3), ...keys.slice(0, 3)].join('\n');
    assert.deepEqual(
      secretsIn({ path: 'a', line: 5, text: twice }).map(({ line }) => line),
      [5, 6, 7],
    );
    assert.equal(secretsIn({ path: 'a', line: 1, text: keys.join('\n') }).length, MAX_FINDINGS + 1);
    const surer = `secret = "${key(1)}"\n`.repeat(2);
    assert.deepEqual(
      secretsIn({ path: 'a', line: 1, text: surer }).map(({ rule, line }) => [rule, line]),
      [['aws-access-key', 1]],
    );
  });

  it('takes a time that grows with the text, also where every line has one', function () {
    this.timeout(5000);
    const found = secretsIn({ path: 'a', line: 1, text: `AKIA${'Q7RT2XVN5LPC3KJD'}\n`.repeat(100_000) });
    assert.equal(found.length, 1);
  });

  it('takes a time that grows with the text, whatever is in it', function () {
    this.timeout(20_000);
    const nasty = [
      ...[
        'a',
        '-----BEGIN ',
        '-----BEGIN PRIVATE KEY-----',
        'a:/',
        '://a:',
        'a://a:a',
        'secret"="',
        'token=',
        ' \t',
      ],
      ...[
        'AGE-SECRET-KEY-1',
        'AKIA',
        'ghp_',
        'github_pat_',
        'glpat-',
        'xoxb-',
        'sk_live_',
        'sk-ant-',
        'sk-proj-',
      ],
      ...[
        'https://hooks.slack.com/services/',
        'AIza-',
        'npm_',
        'pypi-AgEIcHlwaS5vcmc-',
        'dckr_pat_-',
        'SG.-',
      ],
      ...[
        'AccountKey=',
        'dop_v1_',
        'hf_',
        'hvs.-',
        'shpat_',
        '12345678:AA-',
        '_auth=',
        '//a:_auth',
        'token-',
      ],
      ...['eyJ', 'eyJ-', 'eyJ-eyJ.', 'eyJaaaaaaaaaaaa-', 'eyJaaaaaaaaaaaa.'],
    ];
    for (const part of nasty) {
      const started = performance.now();
      secretsIn({ path: 'a', line: 1, text: part.repeat(500_000 / part.length) });
      const took = performance.now() - started;
      assert.ok(took < 1000, `${part}: ${took} ms`);
    }
  });

  it('knows files that are secret by their names', () => {
    const oid = '0'.repeat(40);
    const rules = ['keys/id_ed25519', '.env', 'store.p12', 'docs/.env.example', 'src/main.ts'].map(
      (path) => secretFile(path, oid)[0]?.rule,
    );
    assert.deepEqual(rules, ['key-file', 'environment-file', 'key-file', undefined, undefined]);
  });
});

describe('what runs by itself', () => {
  for (const path of [
    '.github/workflows/ci.yml',
    '.github/workflows/nested/deep.yaml',
    '.GitHub/Workflows/ci.yml',
    '.github/actions/setup/action.yml',
    '.gitea/workflows/a.yml',
    '.forgejo/workflows/a.yml',
    '.gitlab-ci.yml',
    '.gitlab/ci/build.yml',
    '.circleci/config.yml',
    'azure-pipelines.yml',
    'build/azure-pipelines-release.yml',
    'Jenkinsfile',
    'ci/Jenkinsfile.release',
    'bitbucket-pipelines.yml',
    '.travis.yml',
    '.drone.yml',
    '.woodpecker/test.yml',
    '.buildkite/pipeline.yml',
  ]) {
    it(`is ${path}`, () => assert.equal(isAutomation(path), true));
  }
  for (const path of [
    '.github/PULL_REQUEST_TEMPLATE.md',
    'docs/.github/workflows.md',
    'src/.github/workflows/ci.yml',
    'jenkinsfile-parser/index.ts',
    'gitlab-ci.yml.md',
  ]) {
    it(`is not ${path}`, () => assert.equal(isAutomation(path), false));
  }
});
