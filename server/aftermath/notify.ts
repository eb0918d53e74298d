import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TurnOutcome } from '../protocol/events.ts';
import type { TaskState } from '../protocol/task.ts';

/** What is said of a turn's end. Of the conversation it has the task's title, which is the first line of what the person asked. */
export interface Notification {
  /** A sentence, in the markup of chat services: `&`, `<` and `>` are escaped and `@name` broken, so that a title can call nobody. */
  text: string;
  taskId: string;
  turnId: string;
  title: string;
  outcome: TurnOutcome;
  changedFiles: number;
  checks: { passed: number; failed: number };
}

export interface NotifyDeps {
  /** Gets a POST for every turn's end; may hold a secret, as chat services have it, so it is never logged. */
  url: string;
  fetch: typeof fetch;
  logger: Logger;
  /** Milliseconds. */
  firstDelayMs?: number;
}

const ATTEMPTS = 3;
const ANSWER_MS = 10_000;
const FIRST_DELAY_MS = 1000;

/** What there is to say of a turn that has ended; undefined for one that has not. */
export function notificationOf(state: TaskState, turnId: string): Notification | undefined {
  const turn = state.turns.find((known) => known.turnId === turnId);
  if (turn?.outcome === undefined) return undefined;
  const { taskId, title } = state;
  const count = (outcome: 'passed' | 'failed'): number =>
    (turn.checks ?? []).filter((check) => check.outcome === outcome).length;
  const checks = { passed: count('passed'), failed: count('failed') };
  const changedFiles = state.proposal?.files.length ?? 0;
  const { outcome } = turn;
  return {
    text: sentence({ title, outcome, changedFiles, checks }),
    taskId,
    turnId,
    title,
    outcome,
    changedFiles,
    checks,
  };
}

function sentence({
  title,
  outcome,
  changedFiles,
  checks,
}: Pick<Notification, 'title' | 'outcome' | 'changedFiles' | 'checks'>): string {
  const parts = [changedFiles === 1 ? '1 file changed' : `${changedFiles} files changed`];
  if (checks.passed + checks.failed > 0) {
    parts.push(
      checks.failed === 0
        ? 'all checks passed'
        : `${checks.failed} of ${checks.passed + checks.failed} checks failed`,
    );
  }
  return `Handoff: “${escapeMarkup(title)}” ${outcome}: ${parts.join(', ')}.`;
}

const escapeMarkup = (text: string): string =>
  text
    .replace(/[&<>]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char] ?? char)
    .replaceAll('@', '@\u200b');

/**
 * Tells whoever listens at the URL, under the turn's id as idempotency key: one that was told twice, because this relay died in
 * between, can know. A failure is logged and is nobody's problem.
 */
export async function notify(
  { url, logger, ...deps }: NotifyDeps,
  notification: Notification,
): Promise<void> {
  const { turnId, taskId } = notification;
  for (let attempt = 1; ; attempt++) {
    const failure = await post(deps.fetch, url, notification);
    if (failure === undefined) return;
    const isLast = !failure.retryable || attempt === ATTEMPTS;
    logger.warn({ taskId, turnId, attempt, why: failure.why }, 'nobody could be told of a turn’s end');
    if (isLast) return;
    await delay((deps.firstDelayMs ?? FIRST_DELAY_MS) * 2 ** (attempt - 1));
  }
}

async function post(
  doFetch: typeof fetch,
  url: string,
  notification: Notification,
): Promise<{ why: string; retryable: boolean } | undefined> {
  try {
    const answer = await doFetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': notification.turnId },
      body: JSON.stringify(notification),
      signal: AbortSignal.timeout(ANSWER_MS),
      // Followed, it would come as a GET, and be taken for said.
      redirect: 'error',
    });
    await answer.body?.cancel();
    if (answer.ok) return undefined;
    const retryable = answer.status >= 500 || [408, 425, 429].includes(answer.status);
    return { why: `status ${answer.status}`, retryable };
  } catch (error) {
    // The kind only: a message may repeat the URL.
    return { why: error instanceof Error ? error.name : 'unknown', retryable: true };
  }
}
