import { duration } from '../format.ts';
import type { ToolItem } from '../rows.ts';
import { strings } from '../strings.ts';
import { field, isRunning, numberField, pathField, textField, wasStopped } from './input.ts';

/** The tools that have a summary and a renderer of their own; every other one has the fallback's. */
export const toolNames = [
  'read',
  'write',
  'edit',
  'glob',
  'grep',
  'bash',
  'todo',
  'task',
  'ask_user',
  'reply',
  'describe_changes',
  'lesson',
  'skill',
  'fetch',
  'propose_plan',
  'report',
  'stop_command',
] as const;
export type ToolName = (typeof toolNames)[number];
/** `mcp`: any tool of any MCP server. */
export type ToolKind = ToolName | 'mcp' | 'fallback';

/** A tool call in one line: `Ran` `npm test` `1.2 s`. */
export interface Summary {
  /** A codicon. */
  icon: string;
  verb: string;
  /** What it was done to; shown in the editor's font where it is `code`. */
  subject: string;
  code: boolean;
  detail: string[];
}

export function toolKind(name: string): ToolKind {
  return toolNames.find((known) => known === name) ?? (mcpName(name) === undefined ? 'fallback' : 'mcp');
}

/** As the relay names them: `mcp__<server>__<tool>`. */
function mcpName(name: string): { server: string; tool: string } | undefined {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server === undefined || tool === undefined ? undefined : { server, tool };
}

const text = strings.tools;

/** A tool by which something is said: the first line of it. */
const saying =
  (icon: string, verb: string, name: string, code = false) =>
  (tool: ToolItem): Summary => ({
    icon,
    verb,
    subject: textField(tool.input, name).split('\n')[0] ?? '',
    code,
    detail: [],
  });

const summaries: Record<ToolKind, (tool: ToolItem) => Summary> = {
  read: (tool) => ({
    icon: 'file',
    verb: text.read,
    subject: pathField(tool),
    code: true,
    detail: lines(tool),
  }),
  write: (tool) => {
    const content = textField(tool.input, 'content');
    const count = content === '' ? 0 : content.split('\n').length - (content.endsWith('\n') ? 1 : 0);
    const verb = isRunning(tool) || tool.isError ? text.writing : text.wrote;
    return { icon: 'new-file', verb, subject: pathField(tool), code: true, detail: [text.lineCount(count)] };
  },
  edit: (tool) => ({
    icon: 'edit',
    verb: isRunning(tool) || tool.isError ? text.editing : text.edited,
    subject: pathField(tool),
    code: true,
    detail: field(tool.input, 'replaceAll') === true ? [text.replaceAll] : [],
  }),
  glob: (tool) => ({
    icon: 'files',
    verb: text.globbed,
    subject: textField(tool.input, 'pattern'),
    code: true,
    detail: [...within(tool), ...results(tool, /^(?!\[|No file matches ).+/)],
  }),
  grep: (tool) => ({
    icon: 'search',
    verb: text.grepped,
    subject: textField(tool.input, 'pattern'),
    code: true,
    detail: [...within(tool), ...results(tool, /:\d+: /)],
  }),
  bash: (tool) => ({
    icon: 'terminal',
    verb: isRunning(tool) ? text.running_ : text.ran,
    subject: textField(tool.input, 'command').split('\n')[0] ?? '',
    code: true,
    detail: tool.durationMs === undefined ? [] : [duration(tool.durationMs)],
  }),
  todo: (tool) => {
    const items = todoItems(tool);
    const done = items.filter(({ status }) => status === 'completed').length;
    return {
      icon: 'checklist',
      verb: text.planned,
      subject: '',
      code: false,
      detail: items.length === 0 ? [] : [text.steps(done, items.length)],
    };
  },
  task: (tool) => {
    const running = isRunning(tool);
    const steps = (tool.items ?? []).filter(({ kind }) => kind === 'tool').length;
    return {
      icon: 'telescope',
      verb: running || tool.isError ? text.exploring : text.explored,
      subject: textField(tool.input, 'description'),
      code: false,
      detail: [
        ...(steps === 0 ? [] : [text.actions(steps)]),
        ...(tool.durationMs === undefined ? [] : [duration(tool.durationMs)]),
      ],
    };
  },
  ask_user: saying('question', text.asked, 'question'),
  reply: saying('comment-discussion', text.replied, 'text'),
  describe_changes: saying('git-pull-request', text.described, 'title'),
  lesson: saying('lightbulb', text.noted, 'what'),
  skill: saying('book', text.skill, 'name'),
  fetch: saying('globe', text.fetched, 'url', true),
  propose_plan: saying('list-ordered', text.proposedPlan, 'plan'),
  report: saying('check', text.reported, 'summary'),
  stop_command: saying('debug-stop', text.stoppedCommand, 'handle', true),
  mcp: (tool) => ({ ...used(tool), icon: 'plug', subject: withServer(tool.name) }),
  fallback: used,
};

function used(tool: ToolItem): Summary {
  const { name, durationMs } = tool;
  const detail = durationMs !== undefined && durationMs >= 1000 ? [duration(durationMs)] : [];
  return { icon: 'tools', verb: text.used, subject: name, code: true, detail };
}

function withServer(name: string): string {
  const known = mcpName(name);
  return known === undefined ? name : `${known.server}: ${known.tool}`;
}

export function summaryOf(tool: ToolItem): Summary {
  if (tool.agent !== undefined) return ofAgent(tool.agent);
  const summary = summaries[toolKind(tool.name)](tool);
  if (!tool.isError) return summary;
  const code = exitCode(tool);
  const failure = wasStopped(tool) ? text.stopped : code === undefined ? text.failed : text.exit(code);
  return { ...summary, detail: [...summary.detail, failure] };
}

/** A subagent's card has more of it: this is what is said of it in passing. */
function ofAgent(agent: NonNullable<ToolItem['agent']>): Summary {
  const { role, description, outcome, isStopping, startedAt, endedAt } = agent;
  const state = strings.agents.state[outcome ?? (isStopping ? 'stopping' : 'running')];
  const detail = endedAt === undefined ? [state] : [state, duration(endedAt - startedAt)];
  return { icon: 'telescope', verb: role, subject: description, code: false, detail };
}

/** The same as a sentence's worth of words, for a label or a screen reader. */
export function spokenSummary(tool: ToolItem): string {
  const { verb, subject, detail } = summaryOf(tool);
  return [verb, subject, ...detail].filter(Boolean).join(' ');
}

/** What the subagent that works for a call does now, or did last, in a line; empty before its first word. */
export function lastAction(tool: ToolItem): string {
  const item = tool.items?.findLast(({ kind }) => kind === 'tool' || kind === 'text');
  if (item?.kind === 'tool') return spokenSummary(item);
  if (item?.kind !== 'text') return '';
  return item.text.trim().split('\n').at(-1) ?? '';
}

/** The plan that a call of the todo tool laid down. */
export function todoItems(tool: ToolItem): { text: string; status: string }[] {
  const items = field(tool.input, 'items');
  if (!Array.isArray(items)) return [];
  return items.map((item) => ({
    text: textField(item, 'text'),
    status: textField(item, 'status'),
  }));
}

function lines(tool: ToolItem): string[] {
  const from = numberField(tool.input, 'offset');
  const limit = numberField(tool.input, 'limit');
  if (limit !== null) return [text.lines(from ?? 1, (from ?? 1) + limit - 1)];
  return from === null || from <= 1 ? [] : [text.fromLine(from)];
}

function within(tool: ToolItem): string[] {
  const path = pathField(tool);
  return path === '' || path === '.' ? [] : [text.within(path)];
}

/** How many lines of a search's answer are results; the rest are its remarks. */
function results(tool: ToolItem, isResult: RegExp): string[] {
  if (tool.output === undefined || tool.isError) return [];
  const found = tool.output.split('\n').filter((line) => isResult.test(line)).length;
  return [found === 0 ? text.noMatches : text.matches(found)];
}

/** A command that ended otherwise than with 0 says so at the end of its output. */
function exitCode(tool: ToolItem): string | undefined {
  return /\[exit code (\d+)\]$/.exec(tool.output ?? '')?.[1];
}
