import type { Scenario } from '../../fakes/model/script.ts';

/** The file in the workspace that each command appends its name to. */
export const LEDGER = 'effects';
export const LEDGER_EXPECTED = ['one', 'two', 'three'];

const bash = (command: string) => ({ name: 'bash', arguments: { command } });

/** A turn of a few seconds: commands that take effect and take time, files that are written and changed, text that streams. */
export const scenario: Scenario = [
  {
    steps: [
      { text: 'I begin.', toolCalls: [bash(`echo one >> ${LEDGER}; echo begun; sleep 0.8; echo ended`)] },
      {
        text: 'I write slowly, piece by piece.',
        delayMs: 60,
        chunkSize: 4,
        toolCalls: [{ name: 'write', arguments: { path: 'notes.md', content: 'a\nb\n' } }],
      },
      { toolCalls: [bash(`echo two >> ${LEDGER}; sleep 0.8`)] },
      { toolCalls: [{ name: 'edit', arguments: { path: 'notes.md', oldText: 'b', newText: 'B' } }] },
      { toolCalls: [bash(`echo three >> ${LEDGER}; sleep 0.5; cat notes.md`)] },
      { text: 'I am done with it all.', delayMs: 60, chunkSize: 4 },
    ],
  },
];

/** What the tools answered, in order. */
export const RESULTS_EXPECTED = [
  'begun\nended',
  'Wrote notes.md: 2 lines, 4 bytes.',
  '[no output, exit code 0]',
  'Edited notes.md.',
  'a\nB',
];
