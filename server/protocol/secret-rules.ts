/** A kind of credential, by the form that its issuer gave it. */
export interface SecretRule {
  rule: string;
  /** Global; the first group, else the whole match, is the value. */
  pattern: RegExp;
  /** Every value of this kind begins with so many characters that tell nothing. */
  known: number;
  /** Whether the value is one at all; absent: its form is proof enough. */
  isLikely?: (value: string) => boolean;
}

/**
 * What is looked for, the surer before the vaguer: of several that find the same, the first is told. Forms are those that the issuers
 * publish. Every pattern is bounded, for lines can be megabytes long.
 */
export const SECRET_RULES: readonly SecretRule[] = [
  {
    rule: 'private-key',
    // With what follows, by which one key is told from another.
    pattern: /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s{0,4}[^\n]{0,200}){0,3}/g,
    known: 10,
  },
  { rule: 'age-key', pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/g, known: 15 },
  {
    rule: 'aws-access-key',
    pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/g,
    known: 4,
    isLikely: (value) => !value.endsWith('EXAMPLE'),
  },
  { rule: 'github-token', pattern: /\b(?:gh[opsur]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})\b/g, known: 4 },
  {
    rule: 'gitlab-token',
    pattern: /\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[\w-]{20,255}/g,
    known: 3,
  },
  { rule: 'slack-token', pattern: /\bxox[abeoprs]-[\w-]{10,255}/g, known: 5 },
  {
    rule: 'slack-webhook',
    pattern: /https:\/\/hooks\.slack\.com\/(?:services|workflows)\/[\w/]{20,200}/g,
    known: 23,
  },
  { rule: 'stripe-key', pattern: /\b(?:[rs]k_live|whsec)_[A-Za-z0-9]{20,255}/g, known: 3 },
  { rule: 'anthropic-key', pattern: /\bsk-ant-[\w-]{20,255}/g, known: 7 },
  {
    rule: 'openai-key',
    pattern: /\bsk-(?:(?:proj|svcacct|admin)-[\w-]{20,255}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})/g,
    known: 3,
  },
  { rule: 'google-key', pattern: /\b(?:AIza[\w-]{35}|GOCSPX-[\w-]{28})/g, known: 4 },
  { rule: 'npm-token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g, known: 4 },
  { rule: 'pypi-token', pattern: /\bpypi-AgEIcHlwaS5vcmc[\w-]{50,255}/g, known: 5 },
  { rule: 'docker-token', pattern: /\bdckr_[op]at_[\w-]{27,255}/g, known: 5 },
  { rule: 'sendgrid-key', pattern: /\bSG\.[\w-]{22}\.[\w-]{43}/g, known: 3 },
  { rule: 'azure-account-key', pattern: /\bAccountKey=([A-Za-z0-9+/]{86}==)/g, known: 0 },
  { rule: 'digitalocean-token', pattern: /\bdo[opr]_v1_[0-9a-f]{64}\b/g, known: 7 },
  { rule: 'huggingface-token', pattern: /\bhf_[A-Za-z]{34}\b/g, known: 3 },
  { rule: 'vault-token', pattern: /\bhv[bsr]\.[\w-]{24,255}/g, known: 4 },
  { rule: 'shopify-token', pattern: /\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b/g, known: 5 },
  { rule: 'telegram-token', pattern: /\b\d{8,10}:AA[\w-]{33}\b/g, known: 0 },
  {
    rule: 'json-web-token',
    // No beginning within the beginning: nothing is then read more than once, however many there are.
    pattern: /\beyJ(?:(?!\beyJ)[\w-]){10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000}/g,
    known: 3,
  },
  {
    rule: 'registry-password',
    // Not one that is put in when it is used, such as `${NPM_TOKEN}`.
    pattern:
      /^[ \t]{0,20}(?:\/\/\S{1,300}:)?_(?:authToken|auth|password)[ \t]{0,20}=[ \t]{0,20}["']?([^\s$"'{][^\s"']{7,500})/gm,
    known: 0,
  },
  {
    rule: 'password-in-url',
    pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/'"`]{1,100}:([^\s:@/'"`]{8,200})@/gi,
    known: 0,
    isLikely: (value) => !isPlaceholder(value) && bitsPerCharacter(value) >= 3,
  },
  {
    rule: 'assigned-secret',
    // Without quotes the value is looked ahead to and then taken whole, so that nothing is tried twice.
    pattern:
      /(?:api[_-]?key|access[_-]?key|private[_-]?key|secret|token(?!iz)|passw(?:or)?d|credential)[\w.-]{0,30}["']?\]?\s{0,5}(?:=>|:=|[:=])\s{0,5}(?:["'`]([^\s"'`]{16,500})["'`]|(?=([A-Za-z0-9+/_=.~-]{16,500}))\2(?=\s|$))/gi,
    known: 0,
    isLikely: (value) => !isPlaceholder(value) && isRandom(value),
  },
];

/** What of a match is the credential itself. */
export const secretValue = (match: RegExpExecArray): string =>
  match.slice(1).find((group) => group !== undefined) ?? match[0];

function isPlaceholder(value: string): boolean {
  return /example|change-?me|placeholder|your[-_]|dummy|sample|redacted|x{4}|\*{3}|\.{3}|[<>{}]|^\$|%[a-z(]|\b(?:process|os|env)\.|getenv/i.test(
    value,
  );
}

/** A name of something has words, and seldom digits among them; what was drawn at random has everything everywhere. */
function isRandom(value: string): boolean {
  const digits = value.replace(/\D/g, '').length;
  if (digits < 2 || digits === value.length) return false;
  if (/^[0-9a-f]+$/i.test(value)) return value.length >= 32 && bitsPerCharacter(value) >= 3;
  return /[a-z]/i.test(value) && bitsPerCharacter(value) >= 3.5;
}

/** Shannon's entropy. */
function bitsPerCharacter(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}
