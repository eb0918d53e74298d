import * as z from 'zod';

/** What Handoff takes of a `devcontainer.json`; whatever else is in it is for other tools. */
export interface Devcontainer {
  image?: string;
  /** The commands that make a new container ready, in their order; those of one stage run side by side. */
  stages: string[][][];
}

/** A string is for a shell, a list is argv; an object has several of them, which run side by side. */
const OneCommand = z.union([z.string().trim().min(1).max(10_000), z.array(z.string()).min(1).max(100)]);
const Commands = z.union([OneCommand, z.record(z.string(), OneCommand)]);

const File = z.object({
  image: z.string().min(1).max(255).optional(),
  onCreateCommand: Commands.optional(),
  updateContentCommand: Commands.optional(),
  postCreateCommand: Commands.optional(),
});

/** How it is called where it is told of. */
export const DEVCONTAINER_NAME = 'devcontainer.json';

/** As the reference implementation runs them in a new container. */
const ORDER = ['onCreateCommand', 'updateContentCommand', 'postCreateCommand'] as const;

/** Reads the file's text: JSON with comments and commas at the end of lists. @throws {SyntaxError} with what is wrong, for a person */
export function readDevcontainer(text: string): Devcontainer {
  const parsed = File.safeParse(JSON.parse(withoutComments(text)));
  if (!parsed.success) throw new SyntaxError(z.prettifyError(parsed.error));
  const stages = ORDER.flatMap((key) => {
    const commands = parsed.data[key];
    return commands === undefined ? [] : [stageOf(commands)];
  }).filter((stage) => stage.length > 0);
  const { image } = parsed.data;
  return { stages, ...(image === undefined ? {} : { image }) };
}

function stageOf(commands: z.infer<typeof Commands>): string[][] {
  if (typeof commands === 'string' || Array.isArray(commands)) return [argvOf(commands)];
  return Object.values(commands).map(argvOf);
}

const argvOf = (command: string | string[]): string[] =>
  typeof command === 'string' ? ['bash', '-c', command] : command;

/** What is not closed goes to the end, so that no text is read twice. */
const STRING = String.raw`"(?:\\[\s\S]|[^"\\])*"?`;
const COMMENT = new RegExp(String.raw`${STRING}|\/\/[^\n]*|\/\*(?:[\s\S]*?\*\/|[\s\S]*$)`, 'g');
const LAST_COMMA = new RegExp(String.raw`${STRING}|,(?=\s*[\]}])`, 'g');

/** Strict JSON of the same meaning. Where it was none before, it is none now. */
export function withoutComments(text: string): string {
  const keepStrings = (token: string): string => (token.startsWith('"') ? token : ' ');
  return text
    .replace(/^\uFEFF/, '')
    .replace(COMMENT, keepStrings)
    .replace(LAST_COMMA, keepStrings);
}
