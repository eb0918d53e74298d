import { AskUserBody } from './ask-user.tsx';
import { BashBody } from './bash.tsx';
import { EditBody } from './edit.tsx';
import { FallbackBody } from './fallback.tsx';
import { GlobBody } from './glob.tsx';
import { GrepBody } from './grep.tsx';
import { ReadBody } from './read.tsx';
import { type ToolKind, toolKind } from './summary.ts';
import { TaskBody } from './task.tsx';
import { TodoBody } from './todo.tsx';
import type { ToolBody } from './tool-body.ts';
import { AnswerBody, DescribeBody, FetchBody, PlanBody, ReplyBody, ReportBody } from './words.tsx';
import { WriteBody } from './write.tsx';

/** One renderer a tool: a new name in summary.ts does not compile without one here. */
const bodies: Record<ToolKind, ToolBody> = {
  read: ReadBody,
  write: WriteBody,
  edit: EditBody,
  glob: GlobBody,
  grep: GrepBody,
  bash: BashBody,
  todo: TodoBody,
  task: TaskBody,
  ask_user: AskUserBody,
  reply: ReplyBody,
  describe_changes: DescribeBody,
  lesson: AnswerBody,
  skill: AnswerBody,
  fetch: FetchBody,
  propose_plan: PlanBody,
  report: ReportBody,
  stop_command: AnswerBody,
  mcp: FallbackBody,
  fallback: FallbackBody,
};

export function bodyOf(name: string): ToolBody {
  return bodies[toolKind(name)];
}
