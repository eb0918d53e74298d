import type { Item, TaskState, Turn } from '../server/protocol/task.ts';
import { isQuestionOf } from './rows.ts';
import { isTurnOpen } from './status.ts';
import { strings } from './strings.ts';
import { spokenSummary } from './tools/summary.ts';

/**
 * What a screen reader is told when a task goes from `before` to `after`: finished sentences, ends of tools, turns of
 * the task's fate. Never a token, so that a stream can be listened to.
 */
export function announcements(before: TaskState, after: TaskState): string[] {
  const said: string[] = [];
  const turn = after.turns.at(-1);
  if (turn) {
    const earlier = before.turns.findLast((candidate) => candidate.turnId === turn.turnId);
    if (earlier !== turn) said.push(...inTurn(earlier, turn));
  }
  if (before.status !== after.status) said.push(...ofStatus(after, turn));
  const changed = after.proposal;
  if (changed && !isTurnOpen(after.status) && changed.revision !== before.proposal?.revision)
    said.push(strings.announce.proposal(changed.files.length));
  const opened = after.publish?.pullRequest;
  if (opened && !before.publish?.pullRequest) said.push(strings.announce.opened(opened.number));
  return [...said, ...ofPullRequest(before.pullRequest, after.pullRequest)];
}

/** Checks that have failed since, and its end. */
function ofPullRequest(before: TaskState['pullRequest'], after: TaskState['pullRequest']): string[] {
  if (!after || after === before) return [];
  const failed = (status: typeof after | undefined) =>
    status?.checks.filter(({ state }) => state === 'failed').map(({ name }) => name) ?? [];
  const known = new Set(failed(before));
  const say = strings.announce;
  return [
    ...failed(after)
      .filter((name) => !known.has(name))
      .map((name) => say.check(name, 'failed')),
    ...(after.state !== 'open' && before?.state !== after.state ? [say[after.state](after.number)] : []),
  ];
}

function ofStatus(after: TaskState, turn: Turn | undefined): string[] {
  const say = strings.announce;
  if (after.status === 'running') return [say.started];
  if (after.status === 'waiting') return [say.waiting(turn?.waiting?.message ?? '')];
  if (after.status === 'stopped') return [say.stopped];
  if (after.status === 'failed') return [say.failed(turn?.error?.message ?? '')];
  if (after.status !== 'completed') return [];
  return after.proposal?.files.length
    ? [say.completed, say.proposal(after.proposal.files.length)]
    : [say.completed];
}

function inTurn(before: Turn | undefined, after: Turn): string[] {
  const entries = after.items.flatMap((item, index) => {
    const same = before?.items[index];
    if (same === item) return [];
    const earlier = same && keyOf(same) === keyOf(item) ? same : undefined;
    if (item.kind === 'tool')
      return after.items.some((other) => isQuestionOf(other, item.callId)) ? [] : ofTool(earlier, item);
    if (item.kind === 'question') return earlier ? [] : [asks(item)];
    if (item.kind === 'text') return ofText(earlier, item);
    return item.kind === 'notice' ? [item.text] : [];
  });
  return [...entries, ...ofChecks(before, after)];
}

function asks({ question, options }: Extract<Item, { kind: 'question' }>): string {
  return strings.announce.asks(
    plain(question),
    options.map(({ label }) => label),
  );
}

function ofChecks(before: Turn | undefined, { checks = [] }: Turn): string[] {
  return checks.flatMap(({ name, outcome }) => {
    const known = before?.checks?.find((check) => check.name === name)?.outcome;
    return outcome === undefined || known === outcome ? [] : [strings.announce.check(name, outcome)];
  });
}

const keyOf = (item: Item) =>
  item.kind === 'tool'
    ? item.callId
    : item.kind === 'question'
      ? item.questionId
      : item.kind === 'notice' || item.kind === 'cut'
        ? item.at
        : item.messageId;

type TextItem = Extract<Item, { kind: 'text' }>;

function ofTool(before: Item | undefined, tool: Extract<Item, { kind: 'tool' }>): string[] {
  const ended = tool.output !== undefined && !(before?.kind === 'tool' && before.output !== undefined);
  if (!ended) return [];
  return [strings.announce.tool(spokenSummary(tool))];
}

function ofText(before: Item | undefined, after: TextItem): string[] {
  const seen = before?.kind === 'text' && before.attempt === after.attempt ? spokenLength(before) : 0;
  const spoken = plain(withoutCode(after.text).slice(seen, spokenLength(after)));
  return spoken === '' ? [] : [spoken];
}

/** Up to where a text, without its code, has been said: all of it when it is done, else its finished sentences. */
function spokenLength({ text, done }: TextItem): number {
  const words = withoutCode(text);
  return done ? words.length : sentenceEnd(words);
}

/** Fenced code is looked at, not listened to; a fence that is open takes the rest. */
function withoutCode(markdown: string): string {
  return markdown.replace(/^ {0,3}(```|~~~)[\s\S]*?(?:^ {0,3}\1[^\n]*$|$(?![\s\S]))/gm, '');
}

/** Where the last finished sentence or line of a text ends: 0 if there is none. */
export function sentenceEnd(text: string): number {
  const ends = [...text.matchAll(/[.!?:](?=\s)|\n/g)];
  const last = ends.at(-1);
  return last === undefined ? 0 : last.index + 1;
}

/** Markdown as it is spoken: the marks are left out, the words stay. */
function plain(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*_#>|]+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
