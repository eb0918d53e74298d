// GitHub's REST API and Git host as a process, with one person and the sample repository `owner/trip-log`:
// `node test/fakes/github/main.ts [--port 8124] [--login sam] [--name "Sam Sample"] [--token gho_fake]`.
// Prints `github ready <url>` and serves until it is told to end; the API is at <url>/api/v3.
import { parseArgs } from 'node:util';
import { SAMPLE_FILES } from '../sample.ts';
import { startFakeGitHub } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    login: { type: 'string', default: 'sam' },
    name: { type: 'string', default: 'Sam Sample' },
    /** Not a secret: nothing but this double takes it. */
    token: { type: 'string', default: 'gho_fake' },
  },
});

const { login, name, token } = values;
const github = await startFakeGitHub({
  port: Number(values.port),
  users: [{ login, id: 101, name, tokens: { [token]: { scopes: ['repo', 'user:email'] } } }],
  repos: [{ owner: login, name: 'trip-log', content: { directory: SAMPLE_FILES } }],
});
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void github.close().then(() => process.exit(0)));
console.log(`github ready ${github.url}`);
