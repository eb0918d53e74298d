import assert from 'node:assert/strict';
import { type SecretKind, secretByContent, secretByName } from '../../../server/protocol/secret-files.ts';

const NAMES: [path: string, kind: SecretKind | undefined][] = [
  ['.env', 'environment'],
  ['app/.env.local', 'environment'],
  ['.env.production', 'environment'],
  ['prod.env', 'environment'],
  ['.envrc', 'environment'],
  ['.env.example', undefined],
  ['.env.sample', undefined],
  ['.env.local.template', undefined],
  ['environment.ts', undefined],
  ['src/env.ts', undefined],
  ['id_rsa', 'key'],
  ['.ssh/id_ed25519', 'key'],
  ['id_rsa.pub', undefined],
  ['tls/server.KEY', 'key'],
  ['cert.pem', 'key'],
  ['store.p12', 'key'],
  ['keyboard.ts', undefined],
  ['credentials.json', 'credentials'],
  ['.aws/credentials', 'credentials'],
  ['client_secret_123.apps.json', 'credentials'],
  ['service-account-prod.json', 'credentials'],
  ['config/secrets.yml', 'credentials'],
  ['secrets.ts', undefined],
  ['kubeconfig', 'credentials'],
  ['.kube/config', 'credentials'],
  ['kube/config', undefined],
  ['.docker/config.json', 'credentials'],
  ['main.tfstate', 'credentials'],
  ['prod.tfvars', 'credentials'],
  ['prod.tfvars.example', undefined],
  ['.netrc', 'credentials'],
  ['.npmrc', undefined],
  ['README.md', undefined],
];

/** In pieces, so that nothing that looks for secrets finds one in this file. */
const RANDOM = 'q7Zr2Xc9Vb4Nm1Lk8Jh3Gf6D';
const CONTENTS: [what: string, text: string, kind: SecretKind | undefined][] = [
  ['a private key', `-----BEGIN ${'OPENSSH PRIVATE'} KEY-----\nb3Bl\n`, 'key'],
  ['a public key', '-----BEGIN PUBLIC KEY-----\nMIIB\n', undefined],
  ["GitHub's token", `token: ghp_${'a1B2c3'.repeat(6)}`, 'token'],
  ["GitHub's token that is too short", 'ghp_abc', undefined],
  ["AWS's key", `AKIA${'ABCDEFGH23456723'}`, 'token'],
  ["Slack's token", `xoxb-${'123456789012-abcdefABCDEF'}`, 'token'],
  ['the token of a registry', '//registry.example.com/:_authToken=abcdef0123456789', 'token'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a person writes into .npmrc
  ['a token that comes from the environment', '//registry.example.com/:_authToken=${NPM_TOKEN}', undefined],
  ['a random value where a secret is assigned', `const apiKey = "${RANDOM}";`, 'token'],
  ['the same in YAML', `client_secret: ${RANDOM}\n`, 'token'],
  ['a random value that is no secret', `const etag = "${RANDOM}";`, undefined],
  ['a name where a secret is assigned', 'token = readTheTokenFromSomewhere\n', undefined],
  ['a placeholder', 'password: xxxxxxxxxxxxxxxxxxxxxxxx1\n', undefined],
  ['text', 'The secret of good tea is patience.\n', undefined],
  ['nothing', '', undefined],
];

describe('what looks like a secret', () => {
  it('by its name', () => {
    assert.deepEqual(
      NAMES.map(([path]) => [path, secretByName(path)]),
      NAMES,
    );
  });

  for (const [what, text, kind] of CONTENTS)
    it(`by its content: ${what}`, () => assert.equal(secretByContent(text), kind));

  it('is told in time, whatever the content', () => {
    const hostile = [
      'password=',
      'token'.repeat(50_000),
      `_${'password'.repeat(30_000)}`,
      'a='.repeat(130_000),
    ];
    const started = performance.now();
    for (const text of hostile) secretByContent(text);
    // Quadratic would be minutes.
    assert.ok(performance.now() - started < 5_000);
  });
});
