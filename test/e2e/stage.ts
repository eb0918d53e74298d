import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRelayClient, type RelayClient } from '../../server/protocol/client.ts';
import { DATA_FILES } from '../../server/protocol/locations.ts';
import { git } from '../fakes/git.ts';
import { type FakeGitHub, startFakeGitHub } from '../fakes/github/server.ts';
import type { Scenario } from '../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../fakes/model/server.ts';
import { SAMPLE_FILES } from '../fakes/sample.ts';
import { type RelayProcess, startRelay } from './relay.ts';

/** The person of these tests, and the token that their sign-in gives. */
export const PERSON = { login: 'sam', id: 101, name: 'Sam Sample', token: 'gho_fake' };
export const REPOSITORY = 'trip-log';

/** Everything around the editor: a model, GitHub, the person's clone, and a relay that knows the first two. */
export interface Stage {
  model: FakeModel;
  github: FakeGitHub;
  relay: RelayProcess;
  /** The relay's API, with the token of its owner. */
  client: RelayClient;
  /** Of the relay. */
  token: string;
  /** The person's clone of `sam/trip-log`. */
  clone: string;
  /** The relay's data folder. */
  data: string;
  /** A temporary folder, removed at the end. */
  directory: string;
  close(): Promise<void>;
}

/** @param delayMs before each piece that the model streams */
export async function setStage(scenario: Scenario, delayMs = 0): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'handoff-e2e-'));
  // The database of a relay that root runs belongs to another user, who has to pass through.
  await chmod(directory, 0o711);
  const closing: (() => Promise<unknown>)[] = [
    // Postgres ends a moment after its relay, and writes until then.
    () => rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 }),
  ];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const model = await startFakeModel({ scenario, delayMs });
    closing.push(model.close);
    const github = await startFakeGitHub({
      users: [{ ...PERSON, tokens: { [PERSON.token]: { scopes: ['repo', 'user:email'] } } }],
      repos: [{ owner: PERSON.login, name: REPOSITORY, content: { directory: SAMPLE_FILES } }],
    });
    closing.push(github.close);
    const clone = join(directory, REPOSITORY);
    await git(directory, ['clone', '--quiet', `${github.url}/${PERSON.login}/${REPOSITORY}.git`, clone]);
    const data = join(directory, 'data');
    const relay = await startRelay({
      HANDOFF_DATA: data,
      HANDOFF_PORT: '0',
      HANDOFF_SANDBOX: 'local',
      HANDOFF_MODEL_BASE_URL: model.url,
      HANDOFF_MODEL_API_KEY: model.apiKey,
      HANDOFF_MODEL: 'fake-model',
      HANDOFF_GITHUB_URL: github.url,
      HANDOFF_GITHUB_API_URL: github.apiUrl,
    });
    closing.push(relay.close);
    const token = (await readFile(join(data, DATA_FILES.token), 'utf8')).trim();
    const client = createRelayClient({ url: relay.url, token });
    closing.push(() => archiveAll(client));
    return { model, github, relay, client, token, clone, data, directory, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Sandboxes outlive their relay on purpose, so whoever removes the relay's data ends them first. */
async function archiveAll(client: RelayClient): Promise<void> {
  for (const { taskId } of (await client.listTasks()).tasks) await client.archive(taskId);
}
