import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Scenario } from '../../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../../fakes/model/server.ts';
import { createSampleRepo } from '../../fakes/sample.ts';
import { freePort } from '../../relay/turn/free-port.ts';
import type { Watch } from '../../relay/turn/watch.ts';
import { makeFolder, makeTmp, removeFolder } from './folder.ts';
import { type KeptRelay, keepRelay } from './kept-relay.ts';
import { createPerson, type Person } from './person.ts';

/** Where one relay after the other works on the same data, with a scripted model, a repository and a person. */
export interface Site {
  folder: string;
  data: string;
  model: FakeModel;
  person: Person;
  /** @param hasProgress see `keepRelay` */
  relay(env?: Record<string, string>, hasProgress?: () => boolean): KeptRelay;
  /** The person's first message, under an id that only this task has. */
  delegate(prompt: string): Promise<{ taskId: string; turnId: string; clientId: string }>;
  watch(taskId: string, after?: number): Watch;
  close(): Promise<void>;
}

const TOKEN = 'the-token-of-this-site';

export async function openSite(scenario: Scenario): Promise<Site> {
  const folder = await makeFolder();
  const data = join(folder, 'data');
  const repo = join(folder, 'repo');
  const commit = await createSampleRepo(repo);
  const model = await startFakeModel({ scenario });
  const port = await freePort();
  const person = createPerson(`http://127.0.0.1:${port}`, TOKEN);
  const settings = {
    HANDOFF_DATA: data,
    HANDOFF_PORT: String(port),
    HANDOFF_TOKEN: TOKEN,
    HANDOFF_MODEL_BASE_URL: model.url,
    HANDOFF_MODEL_API_KEY: model.apiKey,
    HANDOFF_MODEL: 'fake-model',
    TMPDIR: await makeTmp(folder),
  };
  const relays: KeptRelay[] = [];
  const watches: Watch[] = [];
  return {
    folder,
    data,
    model,
    person,
    relay(env = {}, hasProgress) {
      const relay = keepRelay({ ...settings, ...env }, hasProgress);
      relays.push(relay);
      return relay;
    },
    async delegate(prompt) {
      const clientId = randomUUID();
      const source = { url: `file://${repo}`, commit, branch: 'main' };
      const made = await person.insist(() => person.client.createTask({ clientId, prompt, source }));
      return { ...made, clientId };
    },
    watch(taskId, after) {
      const watch = person.watch(taskId, after);
      watches.push(watch);
      return watch;
    },
    async close() {
      await Promise.all(watches.map((watch) => watch.close()));
      await Promise.all(relays.map((relay) => relay.close()));
      await model.close();
      await removeFolder(folder);
    },
  };
}
