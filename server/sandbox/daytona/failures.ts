import { SandboxError, type SandboxErrorCode } from '../sandbox.ts';

/** Characters of what the vendor says about a failure that are passed on. */
const MAX_WORDS = 300;

/**
 * What became of a request. `patience`: refused for now, and not carried out. `down`: no answer, or one of a gateway, so it may have
 * been carried out. The rest is certain.
 */
type Kind = 'patience' | 'down' | 'credential' | 'missing' | 'taken' | 'refused' | 'odd';

export interface Failure {
  kind: Kind;
  status: number | undefined;
  /** As the vendor asks for it, in ms. */
  retryAfter: number | undefined;
  /** The vendor's sentence, cut short and without secrets. Empty where there is none. */
  words: string;
}

/** The name that the SDK's errors have where a request never got an answer, or waiting for a state took too long. */
const UNANSWERED = /^Daytona(Connection|ConnectionTimeout|Timeout)Error$/;

/**
 * Takes from whatever the SDK throws what is worth keeping. The error itself is not: it and those below it may carry the request with
 * its credential.
 * @param secrets that must not be in `words`
 */
export function failureOf(error: unknown, secrets: string[], now: number): Failure {
  const status = numberOf(error, 'statusCode');
  const name = error instanceof Error ? error.name : '';
  const retryAfter = retryAfterOf(error, now);
  const words = wordsOf(error, secrets);
  const kind = kindOf(status, name);
  // That something is not there is believed only from the service itself: a proxy has pages for that, too.
  const isGuess =
    kind === 'missing' && !/json/.test(String(fieldOf(fieldOf(error, 'headers'), 'content-type')));
  return { kind: isGuess ? 'odd' : kind, status, retryAfter, words };
}

function kindOf(status: number | undefined, name: string): Kind {
  if (status === undefined) {
    if (UNANSWERED.test(name)) return 'down';
    return name.startsWith('Daytona') ? 'refused' : 'odd';
  }
  if (status === 429) return 'patience';
  if (status === 401 || status === 402 || status === 403) return 'credential';
  if (status === 404 || status === 410) return 'missing';
  if (status === 409) return 'taken';
  if (status === 408 || status >= 500) return 'down';
  return 'refused';
}

/** In ms. Services add the name of a limit to the header (`retry-after-sandbox-create`); the longest counts. */
function retryAfterOf(error: unknown, now: number): number | undefined {
  const headers: unknown = fieldOf(error, 'headers');
  if (typeof headers !== 'object' || headers === null) return undefined;
  const waits = Object.entries(headers)
    .filter(([name]) => /^retry-after/i.test(name))
    .map(([, value]) =>
      /^\d+$/.test(String(value)) ? Number(value) * 1000 : Date.parse(String(value)) - now,
    )
    .filter((wait) => wait >= 0);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function wordsOf(error: unknown, secrets: string[]): string {
  const said = error instanceof Error ? error.message : String(error);
  // A gateway's page is no sentence.
  if (/^\s*</.test(said)) return '';
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), said);
  return clean.replace(/\s+/g, ' ').trim().slice(0, MAX_WORDS).toWellFormed();
}

const CODES: Record<Kind, SandboxErrorCode> = {
  patience: 'busy',
  down: 'busy',
  credential: 'unavailable',
  missing: 'not-found',
  taken: 'exists',
  refused: 'failed',
  odd: 'busy',
};

const SENTENCES: Record<Kind, string> = {
  patience: 'Daytona asks for patience',
  down: 'Daytona does not answer',
  credential: 'Daytona refuses this',
  missing: 'Daytona does not have it',
  taken: 'Daytona has one of that name, or is changing it',
  refused: 'Daytona refuses this',
  odd: 'Daytona answered something that makes no sense',
};

const NEXT_ACTIONS: Partial<Record<Kind, string>> = {
  patience: 'Wait a minute, then try again.',
  down: 'Try again later; https://status.daytona.io says whether Daytona has trouble. DAYTONA_API_URL is where it is looked for.',
  odd: 'Check DAYTONA_API_URL, and whether a proxy in between answers instead of Daytona; then try again.',
  credential:
    'Check DAYTONA_API_KEY: that it is valid, may create and delete sandboxes, and that its organization has not used up its limits.',
};

/** The same for the rest of the relay. @param doing such as `start the sandbox` */
export function toSandboxError({ kind, status, words }: Failure, doing: string): SandboxError {
  const nextAction = NEXT_ACTIONS[kind];
  const detail = words === '' ? '' : `: ${words.replace(/\.$/, '')}`;
  return new SandboxError(CODES[kind], `${SENTENCES[kind]} (to ${doing})${detail}.`, {
    cause: new Error(status === undefined ? `no answer: ${words}` : `HTTP ${status}: ${words}`),
    ...(nextAction === undefined ? {} : { nextAction }),
  });
}

function numberOf(value: unknown, name: string): number | undefined {
  const field = fieldOf(value, name);
  return typeof field === 'number' ? field : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
