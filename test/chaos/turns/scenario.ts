import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Scenario, Step, ToolCall } from '../../fakes/model/script.ts';

/** What the person says, in order. */
export const SAYS = {
  first: 'Tidy this up',
  steered: 'Mind the units',
  edited: 'Mind the rounding as well',
  withdrawn: 'Never mind this',
  stopped: 'Now run something long',
  last: 'What is there now?',
} as const;

/** The file in the workspace that each command appends its name to: whatever runs twice is there twice. */
export const LEDGER = 'effects';
export const LEDGER_EXPECTED = ['one', 'two', 'three', 'four', 'five'];

/** The file for which the command waits while the person writes messages. */
export const GATE = 'gate';

/** What the person takes out of the proposal, and makes of it, before the last turn. */
export const REJECTED = { path: 'src/new.js', hashes: 'all', state: 'rejected' } as const;
export const EDITED = { path: 'notes.md', text: 'three, by hand\n' };

const EXPLORERS = ['Find what reads the trips.', 'Find what is tested.'];

const call = (name: string, args: Record<string, unknown>): ToolCall => ({ name, arguments: args });
const bash = (command: string): ToolCall => call('bash', { command });
const report = (path: string): ToolCall =>
  call('report', { summary: 'Found.', answer: 'There.', evidence: [{ path, startLine: 1, endLine: 2 }] });
const say = (text: string, ...toolCalls: ToolCall[]): Step => ({ text, toolCalls });

const openingOf = (request: ChatRequest): string =>
  request.messages.find(({ role }) => role === 'user')?.content ?? '';

/** Three turns, fifty steps: each kind of tool, alone and in parallel, failing and succeeding; subagents, a question, a stop. */
export const scenario: Scenario = [
  ...EXPLORERS.map((prompt, index) => ({
    when: (request: ChatRequest) => openingOf(request) === prompt,
    steps: [
      say('I look.', call('glob', { pattern: 'src/*.js' }), call('grep', { pattern: 'export' })),
      say('', call('read', { path: index === 0 ? 'src/parse.js' : 'test/parse.test.js' })),
      say(`Explorer ${index + 1} found it.`, report(index === 0 ? 'src/parse.js' : 'test/parse.test.js')),
    ],
  })),
  {
    steps: [
      // The first turn.
      say('A plan first.', call('todo', { items: [{ text: 'Tidy up', status: 'in_progress' }] })),
      say(
        'Then I look around.',
        call('read', { path: 'README.md' }),
        call('grep', { pattern: 'distance' }),
        call('glob', { pattern: 'src/*.js' }),
      ),
      say(
        '',
        ...EXPLORERS.map((prompt) => call('task', { description: 'Explore', prompt })),
        call('read', { path: 'package.json' }),
      ),
      say(
        'I write.',
        call('write', { path: 'notes.md', content: 'one\ntwo\n' }),
        call('write', { path: 'src/new.js', content: 'export const made = 1;\n' }),
      ),
      say(
        '',
        call('edit', { path: 'notes.md', oldText: 'two', newText: '2 two' }),
        bash(`echo one >> ${LEDGER}`),
      ),
      say(
        'I wait.',
        bash(
          `echo two >> ${LEDGER}; echo waiting; until [ -e ${GATE} ]; do sleep 0.02; done; rm ${GATE}; echo went on`,
        ),
      ),
      say('Understood.', bash(`echo three >> ${LEDGER}; echo wrong >&2; exit 3`)),
      say(
        '',
        call('read', { path: 'nowhere.md' }),
        call('edit', { path: 'notes.md', oldText: 'nothing like it', newText: 'x' }),
      ),
      say(
        'I have to ask.',
        call('read', { path: 'notes.md' }),
        call('ask_user', { question: 'Which unit?', options: [{ label: 'km' }, { label: 'miles' }] }),
      ),
      say(
        'So be it.',
        call('write', { path: 'notes.md', content: 'three\n' }),
        bash(`echo four >> ${LEDGER}; seq 1 300`),
      ),
      say('', ...['notes.md', 'src/new.js', LEDGER].map((path) => call('read', { path }))),
      say('All tidy.'),
      // The second, which is stopped in the middle of its command.
      say('I run it.', bash(`echo five >> ${LEDGER}; echo running; sleep 300; echo never >> ${LEDGER}`)),
      // The third.
      say('I look.', call('read', { path: LEDGER })),
      say('That is all.'),
    ],
  },
];
