/** What stops a command before it does anything; engines exit with 125 then. */
export class Refused extends Error {}

export interface Parsed {
  /** By name without dashes, in the order given; a flag without a value has ''. */
  options: Map<string, string[]>;
  positional: string[];
}

/** `flag` takes no value, `value` takes one. */
type Grammar = Record<string, 'flag' | 'value'>;

const CREATING: Grammar = {
  name: 'value',
  label: 'value',
  pull: 'value',
  'cap-drop': 'value',
  'cap-add': 'value',
  'security-opt': 'value',
  'read-only': 'flag',
  init: 'flag',
  hostname: 'value',
  'oom-score-adj': 'value',
  'pids-limit': 'value',
  memory: 'value',
  'memory-swap': 'value',
  cpus: 'value',
  network: 'value',
  user: 'value',
  mount: 'value',
  'volumes-from': 'value',
  volume: 'value',
  tmpfs: 'value',
  env: 'value',
  workdir: 'value',
  entrypoint: 'value',
};

/** The commands of an engine that this double knows, with what docker 28 and podman 5 both take of what they have. */
export const GRAMMARS: Record<string, Grammar> = {
  '--version': {},
  ps: { all: 'flag', quiet: 'flag', 'no-trunc': 'flag', last: 'value', filter: 'value' },
  'container inspect': {},
  'image inspect': { format: 'value' },
  pull: {},
  create: CREATING,
  run: { ...CREATING, rm: 'flag' },
  start: {},
  stop: { t: 'value' },
  unpause: {},
  rm: { force: 'flag', volumes: 'flag' },
  rename: {},
  logs: { tail: 'value' },
  exec: { interactive: 'flag' },
};

/** Options end at the first word that is none: what follows an image is the command's. */
export function parse(command: string, args: string[]): Parsed {
  const grammar = GRAMMARS[command];
  if (grammar === undefined) throw new Refused(`unknown command: ${command}`);
  const options = new Map<string, string[]>();
  let at = 0;
  for (; at < args.length && args[at]?.startsWith('-'); at += 1) {
    const [, name = '', joined] = /^--?([^=]*)(?:=([\s\S]*))?$/.exec(args[at] ?? '') ?? [];
    const takes = grammar[name];
    if (takes === undefined) throw new Refused(`unknown flag: ${args[at]}`);
    if (takes === 'flag' && joined !== undefined) throw new Refused(`flag takes no value: ${args[at]}`);
    let value = joined ?? '';
    if (takes === 'value' && joined === undefined) {
      at += 1;
      if (args[at] === undefined) throw new Refused(`flag needs an argument: --${name}`);
      value = args[at] ?? '';
    }
    options.set(name, [...(options.get(name) ?? []), value]);
  }
  return { options, positional: args.slice(at) };
}
