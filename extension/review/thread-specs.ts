import * as vscode from 'vscode';
import { placeNow } from '../../server/protocol/place-now.ts';
import type { ReviewThread } from '../../server/protocol/task.ts';
import { plain, shownComment } from './comment.ts';
import type { ReviewFile, ReviewItem } from './outline.ts';
import { fileAt, placedItems } from './placing.ts';
import type { Review } from './session.ts';
import type { ReviewDocument } from './uris.ts';
import { itemWords, stateWord } from './words.ts';

/** A thread as it should be shown. */
export interface ThreadSpec {
  /** Unique in its document. */
  key: string;
  /** Lines, 0-based and inclusive. */
  start: number;
  end: number;
  label: string;
  /** What its buttons go by. */
  contextValue: 'item.pending' | 'item.accepted' | 'talk.open' | 'talk.resolved';
  comments: vscode.Comment[];
  /** Which change it decides on, or what was said where. */
  about: { item: ReviewItem } | { threadId: string };
}

/**
 * The threads of one document: one a change, which is its toolbar, with why the agent made it and what was said of it; and one for
 * every other place that somebody talked about.
 */
export function threadSpecs(review: Review, document: ReviewDocument, text: string): ThreadSpec[] {
  const shown = fileAt(review, document.path);
  if (!shown) return [];
  const items = document.side === 'proposal' ? itemSpecs(review, shown) : [];
  const attached = new Set(items.flatMap(({ about }) => ('item' in about ? [about.item.hash] : [])));
  const { path, side } = document;
  const others = review.threads.filter(
    ({ place }) =>
      place.path === path &&
      place.side === side &&
      !(place.hash !== undefined && attached.has(place.hash) && side === 'proposal'),
  );
  return [...items, ...others.map((thread) => talkSpec(thread, text))];
}

function itemSpecs(review: Review, shown: ReviewFile): ThreadSpec[] {
  const { file, items } = shown;
  const order = new Map(items.map((item, index) => [item.hash, index + 1]));
  return placedItems(review, shown).map(([item, { start, lines }]): ThreadSpec => {
    const title = vscode.l10n.t('Change {0} of {1}', order.get(item.hash) ?? 1, items.length);
    const words = [title, itemWords(item, shown), stateWord(item.state)].filter(Boolean);
    const said = review.threads.filter(({ place }) => place.path === file.path && place.hash === item.hash);
    const reason = item.hunk?.reason ?? file.risk?.why.join(' ') ?? '';
    return {
      key: `item:${item.hash}`,
      start,
      end: start + Math.max(lines, 1) - 1,
      label: words.join(' · '),
      contextValue: item.state === 'accepted' ? 'item.accepted' : 'item.pending',
      comments: [reasonComment(reason), ...said.flatMap(({ comments }) => comments.map(shownComment))],
      about: { item },
    };
  });
}

/** Never without text: a thread without any would show a bin. */
const reasonComment = (reason: string): vscode.Comment => ({
  body: plain(reason || vscode.l10n.t('No reason was given.')),
  mode: vscode.CommentMode.Preview,
  author: { name: reason ? vscode.l10n.t('Agent') : vscode.l10n.t('Handoff') },
  contextValue: 'reason',
});

function talkSpec({ threadId, place, isResolved, comments }: ReviewThread, text: string): ThreadSpec {
  const now = placeNow(place, text);
  const lines = now === 'stale' ? { startLine: place.startLine, endLine: place.startLine } : now;
  const words = [
    ...(now === 'stale' ? [vscode.l10n.t('These lines have changed since')] : []),
    ...(isResolved ? [vscode.l10n.t('Resolved')] : []),
  ];
  return {
    key: `talk:${threadId}`,
    start: lines.startLine - 1,
    end: lines.endLine - 1,
    label: words.join(' · ') || vscode.l10n.t('Comment'),
    contextValue: isResolved ? 'talk.resolved' : 'talk.open',
    comments: comments.map(shownComment),
    about: { threadId },
  };
}
