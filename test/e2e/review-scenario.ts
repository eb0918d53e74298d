import type { ChatRequest } from '../fakes/model/request.ts';
import type { Scenario, ToolCall } from '../fakes/model/script.ts';

const call = (name: string, args: Record<string, unknown>): ToolCall => ({ name, arguments: args });

export const PATH = 'src/parse.js';
const edit = (oldText: string, newText: string, why: string): ToolCall =>
  call('edit', { path: PATH, oldText, newText, why });

/** What the person says. */
export const PROMPT = 'Let the parser take a semicolon as well, and say what it cannot read.';
export const QUESTION = 'Please begin with what was read, in quotes.';

/** The changes of the first revision, by why the agent made them. */
export const WHY = {
  doc: 'The comment says what is read.',
  split: 'A semicolon separates as well.',
  error: `The message names both separators.`,
};

/** Lines by which the revisions are told apart in the editor. */
export const LINES = {
  doc: '/** Reads `date,name,km` lines, or with semicolons; the first line is the header. Throws on others. */',
  oldDoc:
    '/** Reads `date,name,km` lines; the first line is the header. Throws on a line that it cannot read. */',
  split: '  const [date, name, distance] = line.split(/[,;]/);',
  oldSplit: "  const [date, name, distance] = line.split(',');",
  error: `    throw new Error(\`line \${number}: expected "date,name,km" or "date;name;km", got "\${line}"\`);`,
  oldError: `    throw new Error(\`line \${number}: expected "date,name,km", got "\${line}"\`);`,
  newError: `    throw new Error(\`"\${line}" in line \${number}: expected "date,name,km" or "date;name;km"\`);`,
};

/** How its turns end. */
export const SAID = 'The parser takes both now.';
export const DONE = 'Done as you said.';
export const ANSWER = 'It begins with the line now.';

/** The thread that the person's comment is in, as the agent was told. */
function threadIn({ messages }: ChatRequest): string {
  const told = messages.map(({ content }) => content).join('\n');
  const id = /\[thread ([\w.:-]{8,64})\]/.exec(told)?.[1];
  if (id === undefined) throw new Error(`the agent was told of no thread:\n${told.slice(-3000)}`);
  return id;
}

/** Two turns: three changes of one file and a new file, and then what the person asked for in a comment. */
export const scenario: Scenario = [
  { when: ({ tools }) => tools.length === 0, steps: [], otherwise: { text: 'Read semicolons' } },
  {
    steps: [
      {
        text: 'I change the parser.',
        toolCalls: [
          call('read', { path: PATH }),
          edit(LINES.oldDoc, LINES.doc, WHY.doc),
          edit(LINES.oldSplit, LINES.split, WHY.split),
          edit(LINES.oldError, LINES.error, WHY.error),
          call('write', { path: 'data/semicolons.csv', content: 'date;name;km\n2026-01-02;Fjord;12.5\n' }),
        ],
      },
      { text: SAID },

      (request) => ({
        text: 'I change the message.',
        toolCalls: [
          call('read', { path: PATH }),
          edit(LINES.error, LINES.newError, 'What was read comes first.'),
          call('reply', { threadId: threadIn(request), text: ANSWER }),
        ],
      }),
      { text: DONE },
    ],
  },
];
