import { SECRET_RULES, secretValue } from './secret-rules.ts';

/** What a file seems to hold that is nobody else's business. */
export type SecretKind = 'environment' | 'key' | 'credentials' | 'token';

/** Files of these names are there to be read by everybody. */
const EXAMPLE = /(^|[._-])(examples?|samples?|templates?|dist|defaults?|schema)(\.[a-z]+)?$/i;

const BY_NAME: [kind: SecretKind, name: RegExp][] = [
  ['environment', /^\.env(rc|\..+)?$|\.env$/i],
  ['key', /^id_(rsa|dsa|ecdsa|ed25519)(_sk)?$|\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|ovpn)$/i],
  ['credentials', /^(credentials|\.?htpasswd|[._]netrc|\.pgpass|\.pypirc|\.git-credentials|\.vault-token)$/i],
  ['credentials', /^(credentials|secrets?|client_secret.*|service[-_]?account.*)\.(json|ya?ml|toml|ini)$/i],
  ['credentials', /^kubeconfig|\.kubeconfig$|\.tfstate(\.backup)?$|\.tfvars(\.json)?$/i],
];
const BY_PATH = /(^|\/)(\.kube\/config|\.docker\/config\.json|\.aws\/config)$/i;

/** By what the file is called; nothing where that says nothing. */
export function secretByName(path: string): SecretKind | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (EXAMPLE.test(name)) return undefined;
  if (BY_PATH.test(path)) return 'credentials';
  return BY_NAME.find(([, pattern]) => pattern.test(name))?.[0];
}

/** By what is in it: what a push is looked through for, too. */
export function secretByContent(text: string): SecretKind | undefined {
  const found = SECRET_RULES.find(({ pattern, isLikely }) =>
    [...text.matchAll(pattern)].some((match) => isLikely?.(secretValue(match)) !== false),
  );
  if (found === undefined) return undefined;
  return found.rule === 'private-key' ? 'key' : 'token';
}
