import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './command.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * The strict reading of a command's arguments; unknown options are refused.
 * @throws {UsageError} with Node's own sentence, which names the option
 */
export function readArguments<Names extends Options>(args: string[], options: Names) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws {UsageError} where `value` is not a number above zero */
export function readSeconds(value: string | undefined, option: string): number | undefined {
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new UsageError(`${option} needs a number of seconds above 0, not "${value}"`);
}
