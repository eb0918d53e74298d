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

/** Formats that their makers have given to tokens, so that they can be found. */
const TOKENS = [
  /\bgh[pousr]_[A-Za-z0-9]{36}/,
  /\bgithub_pat_[A-Za-z0-9_]{60}/,
  /\bglpat-[\w-]{20}/,
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b/,
  /\bxox[abeoprs]-[A-Za-z0-9-]{20}/,
  /\b[rs]k_live_[A-Za-z0-9]{20}/,
  /\bsk-(ant-|proj-)?[\w-]{32}/,
  /\bAIza[\w-]{35}/,
  /\bnpm_[A-Za-z0-9]{36}/,
  /\bpypi-[\w-]{50}/,
  /\bSG\.[\w-]{20,}\.[\w-]{20}/,
  /\bhf_[A-Za-z]{34}/,
  /\bdop_v1_[a-f0-9]{64}/,
];
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----/;
/** Not one that is put in when it is used, such as `${NPM_TOKEN}`. */
const REGISTRY_PASSWORD =
  /^[ \t]{0,20}(\/\/\S{1,300}:)?_(authToken|auth|password)[ \t]{0,20}=[ \t]{0,20}["']?[^\s$"'{][^\s"']{7}/m;
/** Every repetition has a bound, so that no text takes longer than its length says. */
const ASSIGNED =
  /(?:secret|token|passw(?:or)?d|api_?-?key|access_?-?key)\w{0,40}["']?[ \t]{0,20}(?::|=>?)[ \t]{0,20}["'`]?([A-Za-z0-9+/_=-]{20,200})["'`]?[ \t]{0,20}[,;]?[ \t\r]{0,20}$/gim;
/** In bits a character: words and names of variables stay below, what was drawn by lot does not. */
const RANDOM_ENTROPY = 3.8;

/** By what is in it: formats of tokens, private keys, and what looks drawn by lot where a secret is assigned. */
export function secretByContent(text: string): SecretKind | undefined {
  if (PRIVATE_KEY.test(text)) return 'key';
  if (TOKENS.some((format) => format.test(text)) || REGISTRY_PASSWORD.test(text)) return 'token';
  for (const [, value = ''] of text.matchAll(ASSIGNED)) {
    if (/\d/.test(value) && /[a-z]/i.test(value) && entropy(value) > RANDOM_ENTROPY) return 'token';
  }
  return undefined;
}

/** Shannon's, in bits a character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / text.length;
    return sum - share * Math.log2(share);
  }, 0);
}
