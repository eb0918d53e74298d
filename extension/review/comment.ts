import * as vscode from 'vscode';
import type { ReviewComment } from '../../server/protocol/task.ts';

/** A comment of the relay's as the editor shows it; a draft can be edited in place. */
export interface ShownComment extends vscode.Comment {
  commentId: string;
  text: string;
}

export function shownComment({ commentId, author, text, isDraft, at }: ReviewComment): ShownComment {
  const isAgent = author === 'agent';
  return {
    commentId,
    text,
    body: isAgent ? markdownOf(text) : plain(text),
    mode: vscode.CommentMode.Preview,
    author: { name: isAgent ? vscode.l10n.t('Agent') : vscode.l10n.t('You') },
    timestamp: new Date(at),
    contextValue: isDraft ? 'draft' : 'said',
    ...(isDraft ? { label: vscode.l10n.t('not submitted') } : {}),
  };
}

/** Text of which nothing is markup. */
export const plain = (text: string): vscode.MarkdownString => new vscode.MarkdownString().appendText(text);

/** The agent's markdown, without pictures: fetching one would tell its address's owner what is reviewed. */
export const markdownOf = (text: string): vscode.MarkdownString =>
  new vscode.MarkdownString(text.replaceAll('![', '\\!\\['));
