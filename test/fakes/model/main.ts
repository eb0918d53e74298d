// A scripted model as a process: `node test/fakes/model/main.ts --port 8123 --scenario demo [--delay 15] [--key sk-fake]`.
// Prints `model ready <base URL>` and serves until it is told to end.
import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.ts';
import { startFakeModel } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    scenario: { type: 'string', default: 'demo' },
    /** Milliseconds before each streamed piece. */
    delay: { type: 'string', default: '0' },
    key: { type: 'string', default: 'sk-fake' },
  },
});

const found = Object.entries(scenarios).find(([name]) => name === values.scenario);
if (found === undefined) {
  console.error(`no scenario "${values.scenario}"; there are: ${Object.keys(scenarios).join(', ')}`);
  process.exit(2);
}
const model = await startFakeModel({
  scenario: found[1],
  port: Number(values.port),
  delayMs: Number(values.delay),
  apiKey: values.key,
});
console.log(`model ready ${model.url}`);
