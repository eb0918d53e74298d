import { readArguments } from '../arguments.ts';
import { type Check, checkMachine } from '../checks.ts';
import type { Command } from '../command.ts';

/** Says what is there and what is missing, each with what mends it. Exit code 1 where something needed is missing. */
export const doctor: Command = async (args, { out, env }) => {
  const { values } = readArguments(args, { json: { type: 'boolean' } });
  const checks = await checkMachine(env);
  out(values.json ? `${JSON.stringify(checks)}\n` : checks.map(describe).join(''));
  return checks.every(({ ok, needed }) => ok || !needed) ? 0 : 1;
};

export function describe({ name, ok, needed, detail, fix }: Check): string {
  const mark = ok ? 'ok' : needed ? 'missing' : 'note';
  return `${mark.padEnd(8)} ${name.padEnd(12)} ${detail}\n${fix === undefined ? '' : `${' '.repeat(22)}${fix}\n`}`;
}
