import type { ToolItem } from '../rows.ts';

/**
 * The panel's reading of a tool's input, by the names that server/agent/tools give the fields. It came from a model, so
 * any field may be absent or of another type.
 */
export function textField(input: unknown, name: string): string {
  const value = field(input, name);
  return typeof value === 'string' ? value : '';
}

/** Null where there is no such number. */
export function numberField(input: unknown, name: string): number | null {
  const value = field(input, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function field(input: unknown, name: string): unknown {
  return typeof input === 'object' && input !== null ? (input as Record<string, unknown>)[name] : undefined;
}

export const pathField = (tool: ToolItem) => textField(tool.input, 'path');

export const isRunning = (tool: ToolItem) => tool.output === undefined;

/** Whether the person stopped it in its course: a tool says so at the end of its output, where a command says its exit code. */
export const wasStopped = ({ output = '' }: ToolItem) => /\[stopped by the user[^\]]*\]$/.test(output);
