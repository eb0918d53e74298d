import type { ChatRequest } from './request.ts';
import type { Scenario, Step, ToolCall } from './script.ts';

/** What a person would type to get the scripted run; any other prompt gets it too. */
export const DEMO_PROMPT =
  'Let the report show miles: add an option `--unit mi` to the command line. Kilometres stay the default.';

const call = (name: string, args: Record<string, unknown>): ToolCall => ({ name, arguments: args });

const PLAN = [
  'Find where distances become text',
  'Convert and format in the chosen unit',
  'Read `--unit` on the command line',
  'Test it and run all tests',
];

/** The plan with the first `done` points completed and the next one under way. */
const todo = (done: number): ToolCall =>
  call('todo', {
    items: PLAN.map((text, index) => ({
      text,
      status: index < done ? 'completed' : index === done ? 'in_progress' : 'pending',
    })),
  });

const UNITS = `const KM_PER_MILE = 1.609344;

/** What a distance can be shown in, and how many kilometres one of it is. */
export const units = { km: 1, mi: KM_PER_MILE };

/** A distance in kilometres as a number of \`unit\`. Throws on a unit that there is not. */
export function convert(km, unit) {
  if (!Object.hasOwn(units, unit)) {
    throw new Error(\`unknown unit "\${unit}", expected one of: \${Object.keys(units).join(', ')}\`);
  }
  return km / units[unit];
}
`;

const UNITS_TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDistance } from '../src/format.js';
import { convert } from '../src/units.js';

test('converts kilometres', () => {
  assert.equal(convert(16.09344, 'mi'), 10);
  assert.equal(convert(5, 'km'), 5);
});

test('names the units that there are', () => {
  assert.throws(() => convert(1, 'ly'), /unknown unit "ly", expected one of: km, mi/);
});

test('shows a distance in the chosen unit', () => {
  assert.equal(formatDistance(16.09344, 'mi'), '    10.0 mi');
});
`;

const FORMAT_BEFORE = `/** A distance as people read it: one decimal, right-aligned. */
export function formatDistance(km) {
  return \`\${km.toFixed(1).padStart(8)} km\`;
}

/** One line of the report. */
export function formatRow(label, { count, km }) {
  const trips = \`\${count} \${count === 1 ? 'trip' : 'trips'}\`;
  return \`\${label.padEnd(9)} \${trips.padStart(8)} \${formatDistance(km)}\`;`;

const FORMAT_AFTER = `import { convert } from './units.js';

/** A distance as people read it: one decimal, right-aligned, in \`unit\`. */
export function formatDistance(km, unit = 'km') {
  return \`\${convert(km, unit).toFixed(1).padStart(8)} \${unit}\`;
}

/** One line of the report. */
export function formatRow(label, { count, km }, unit = 'km') {
  const trips = \`\${count} \${count === 1 ? 'trip' : 'trips'}\`;
  return \`\${label.padEnd(9)} \${trips.padStart(8)} \${formatDistance(km, unit)}\`;`;

const CLI_BEFORE = `import { readFileSync } from 'node:fs';
import { parseTrips } from './parse.js';
import { formatRow } from './format.js';
import { byMonth, total } from './stats.js';

const [file] = process.argv.slice(2);
if (!file) {
  console.error('usage: trip-log <file.csv>');
  process.exit(2);
}

const trips = parseTrips(readFileSync(file, 'utf8'));
for (const { month, ...sum } of byMonth(trips)) console.log(formatRow(month, sum));
console.log(formatRow('total', total(trips)));`;

const CLI_AFTER = `import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseTrips } from './parse.js';
import { formatRow } from './format.js';
import { byMonth, total } from './stats.js';
import { units } from './units.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { unit: { type: 'string', default: 'km' } },
});
const [file] = positionals;
if (!file || !Object.hasOwn(units, values.unit)) {
  console.error(\`usage: trip-log [--unit \${Object.keys(units).join('|')}] <file.csv>\`);
  process.exit(2);
}

const trips = parseTrips(readFileSync(file, 'utf8'));
for (const { month, ...sum } of byMonth(trips)) console.log(formatRow(month, sum, values.unit));
console.log(formatRow('total', total(trips), values.unit));`;

/** The line of a test runner that counts, in the last tool result that has one. */
function counted(request: ChatRequest, what: 'pass' | 'fail'): string | undefined {
  const pattern = new RegExp(`^(?:#|ℹ) ${what} (\\d+)$`, 'm');
  return request.messages
    .flatMap(({ role, content }) => (role === 'tool' ? (pattern.exec(content)?.[1] ?? []) : []))
    .at(-1);
}

/** Says what the tests really said: a sandbox without Node must not be told that they pass. */
function summary(request: ChatRequest): { text: string } {
  const passed = counted(request, 'pass');
  const failed = counted(request, 'fail');
  const verdict =
    passed === undefined
      ? 'I could not run the tests here, so please run `node --test` before you merge.'
      : failed === '0'
        ? `All **${passed} tests pass**.`
        : `**${failed} tests fail**, ${passed} pass; see the output above.`;
  return {
    text: `The report can now be shown in miles:

\`\`\`sh
trip-log --unit mi data/trips.csv
\`\`\`

| file | change |
| --- | --- |
| \`src/units.js\` | new: the units and \`convert\`, which names the units it knows when it is given another |
| \`src/format.js\` | distances and rows take a unit |
| \`src/cli.js\` | reads \`--unit\`; an unknown one prints the usage |
| \`test/units.test.js\` | new: conversion, formatting and the error |

Kilometres stay the default, so existing output does not change. ${verdict}
`,
  };
}

const firstTurn: Step[] = [
  { text: 'I will look at how distances become text, and then add the unit.', toolCalls: [todo(0)] },
  { toolCalls: [call('grep', { pattern: '\\bkm\\b', path: 'src' }), call('read', { path: 'AGENTS.md' })] },
  {
    text: 'Only `src/format.js` writes the unit, and `src/cli.js` reads the arguments.',
    toolCalls: [call('read', { path: 'src/format.js' }), call('read', { path: 'src/cli.js' })],
  },
  {
    text: 'The conversion gets a module of its own, so that the formatting stays free of arithmetic.',
    toolCalls: [todo(1), call('write', { path: 'src/units.js', content: UNITS })],
  },
  { toolCalls: [call('edit', { path: 'src/format.js', oldText: FORMAT_BEFORE, newText: FORMAT_AFTER })] },
  {
    text: 'Now the command line.',
    toolCalls: [todo(2), call('edit', { path: 'src/cli.js', oldText: CLI_BEFORE, newText: CLI_AFTER })],
  },
  { toolCalls: [todo(3), call('write', { path: 'test/units.test.js', content: UNITS_TEST })] },
  { text: 'Everything is in place; I run all tests.', toolCalls: [call('bash', { command: 'node --test' })] },
  { toolCalls: [todo(4)] },
  summary,
];

/** What a follow-up gets: the README learns of the option. */
const secondTurn: Step[] = [
  { text: 'I add that to the README.', toolCalls: [call('read', { path: 'README.md' })] },
  {
    toolCalls: [
      call('edit', {
        path: 'README.md',
        oldText: 'Each line of the file',
        newText: '`--unit mi` shows miles instead.\n\nEach line of the file',
      }),
    ],
  },
  { text: 'The README now names `--unit mi`.' },
];

/** A realistic run on the sample repository, with a follow-up; a request without tools gets a title. */
export const demo: Scenario = [
  { when: ({ tools }) => tools.length === 0, steps: [], otherwise: { text: 'Show miles in the report' } },
  {
    steps: [...firstTurn, ...secondTurn],
    otherwise: { text: 'That is all that this scripted model can do. Connect a real one to go on.' },
  },
];
