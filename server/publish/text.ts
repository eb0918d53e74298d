import type { TaskState } from '../protocol/task.ts';

/** The most that a pull request's title may have; its body may have what a command may carry. */
const MAX_TITLE = 256;
const MAX_BODY = 60_000;

/**
 * Words for a pull request, to be edited by the person: the agent's own, else the task's title and the last that the agent said. A
 * template of the repository's is kept whole.
 */
export function suggestedText(
  state: Pick<TaskState, 'title' | 'description' | 'turns'>,
  template: string | undefined,
): { title: string; body: string } {
  const { title, body } = state.description ?? { title: state.title, body: lastWords(state) };
  return {
    title: cut(oneLine(title) || oneLine(state.title) || 'Changes', MAX_TITLE),
    body: cut(withTemplate(body.trim(), template), MAX_BODY),
  };
}

/** Words for one that is open already: its own, which a person may have edited there. */
export function textOf({ title, body }: { title: string; body: string }): { title: string; body: string } {
  return { title: cut(title, MAX_TITLE), body: cut(body, MAX_BODY) };
}

/** A section that asks for what the agent has to say. */
const SUMMARY =
  /^#{1,6}[ \t]*(?:description|summary|overview|what\b.*|changes?|proposed changes|pull request description)[ \t:?]*$/im;

/** The words under the template's own heading for them, else above all of it. */
export function withTemplate(body: string, template: string | undefined): string {
  if (template === undefined) return body;
  const rest = template.replaceAll('\r\n', '\n').trim();
  if (body === '' || rest.includes(body)) return rest;
  const heading = SUMMARY.exec(rest);
  if (heading === null) return `${body}\n\n${rest}`;
  const end = heading.index + heading[0].length;
  const after = rest.slice(end).trimStart();
  return `${rest.slice(0, end)}\n\n${body}${after === '' ? '' : `\n\n${after}`}`;
}

function lastWords({ turns }: Pick<TaskState, 'turns'>): string {
  for (const { items } of turns.toReversed()) {
    const said = items.findLast((item) => item.kind === 'text' && item.text.trim() !== '');
    if (said?.kind === 'text') return said.text;
  }
  return '';
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
}
