import { demo } from './demo.ts';
import type { Scenario } from './script.ts';

/** A key that the provider does not know. */
const failing: Scenario = [
  {
    steps: [],
    otherwise: {
      fault: 'status',
      status: 401,
      body: {
        error: {
          message: 'Incorrect API key provided.',
          type: 'invalid_request_error',
          code: 'invalid_api_key',
        },
      },
    },
  },
];

/** A provider on a bad day: busy, then cut off in the middle of the same answer, then a gateway's error page, then well. */
const flaky: Scenario = [
  {
    steps: [
      {
        text: 'I write the note that you asked for.',
        toolCalls: [
          { name: 'write', arguments: { path: 'NOTE.md', content: 'All went well in the end.\n' } },
        ],
        chunkSize: 8,
        faults: [
          { fault: 'status', status: 429, retryAfter: 1 },
          { fault: 'cut', afterChunks: 4 },
          { fault: 'html', status: 502 },
        ],
      },
      { text: 'The note is written.', chunkSize: 4, faults: [{ fault: 'cut', afterChunks: 2 }] },
    ],
  },
];

/** A model that is bad at calling tools, and learns from what it is told. */
const badTools: Scenario = [
  {
    steps: [
      { toolCalls: [{ name: 'read', arguments: '{"path": "README.md"' }] },
      { toolCalls: [{ name: 'read_the_mind', arguments: { of: 'the user' } }] },
      { toolCalls: [{ name: 'read', arguments: { file: ['README.md'] } }] },
      { toolCalls: [{ name: 'read', arguments: '' }] },
      { toolCalls: [{ name: 'read', arguments: { path: '../../etc/passwd' } }] },
      {
        toolCalls: [{ name: 'edit', arguments: { path: 'README.md', oldText: 'not there', newText: '' } }],
      },
      { toolCalls: [{ name: 'read', arguments: { path: 'README.md' } }] },
      { text: 'I have read the README at last.' },
    ],
  },
];

/** By the name that the command line takes. */
export const scenarios = { demo, failing, flaky, badTools } satisfies Record<string, Scenario>;
