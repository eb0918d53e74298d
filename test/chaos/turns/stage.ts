import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sandboxIdOf } from '../../../server/sandbox/local/layout.ts';
import { startFakeModel } from '../../fakes/model/server.ts';
import { createSampleRepo } from '../../fakes/sample.ts';
import { freePort } from '../../relay/turn/free-port.ts';
import { readToken } from '../../relay/turn/token.ts';
import type { Watch } from '../../relay/turn/watch.ts';
import { makeFolder, makeTmp, removeFolder } from '../support/folder.ts';
import { type KeptRelay, keepRelay } from '../support/kept-relay.ts';
import { createPerson, type Person } from '../support/person.ts';
import { assertGapless, essence, namesOf, type Outcome, transcriptsOf } from './outcome.ts';
import { pointsIn } from './points.ts';
import { GATE, LEDGER, SAYS, scenario } from './scenario.ts';

/** Where the scenario is played, again and again, by relays on the same data that may die at any time. */
export interface Stage {
  /** Plays all turns. @param relay which may die meanwhile; closed afterwards */
  play(relay: KeptRelay): Promise<Outcome>;
  /** Plays all turns on a relay that is killed once at each point of `chosen`, and at those that are not among `points`. */
  playKilledAt(points: readonly string[], chosen: readonly string[]): Promise<Killed>;
  /** Starts a relay on the stage's data. @param hasProgress see `keepRelay` */
  relay(env?: Record<string, string>, hasProgress?: () => boolean): KeptRelay;
  /** A new file in the stage's folder. */
  file(name: string, lines: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export interface Killed {
  outcome: Outcome;
  deaths: number;
  /** Points that were not come to. */
  missed: string[];
}

export async function openStage(): Promise<Stage> {
  const folder = await makeFolder();
  const data = join(folder, 'data');
  const repo = join(folder, 'repo');
  const commit = await createSampleRepo(repo);
  const model = await startFakeModel({ scenario });
  const port = await freePort();
  const settings = {
    HANDOFF_DATA: data,
    HANDOFF_PORT: String(port),
    HANDOFF_MODEL_BASE_URL: model.url,
    HANDOFF_MODEL_API_KEY: model.apiKey,
    HANDOFF_MODEL: 'fake-model',
    TMPDIR: await makeTmp(folder),
  };
  const relays: KeptRelay[] = [];
  const watches: Watch[] = [];

  const stage: Stage = {
    relay(env = {}, hasProgress) {
      const relay = keepRelay({ ...settings, ...env }, hasProgress);
      relays.push(relay);
      return relay;
    },

    async play(relay) {
      await relay.up;
      const person = createPerson(`http://127.0.0.1:${port}`, await readToken(data));
      const from = model.requests.length;
      const source = { url: `file://${repo}`, commit, branch: 'main' };
      const clientId = randomUUID();
      const { taskId } = await person.insist(() =>
        person.client.createTask({ clientId, prompt: SAYS.first, source }),
      );
      const workspace = join(data, 'sandboxes', sandboxIdOf(taskId), 'workspace');
      const watched = person.watch(taskId);
      watches.push(watched);
      await Promise.race([converse(person, taskId, watched, workspace), relay.failed]);

      const names = { ...namesOf(taskId, watched.events), [clientId]: 'FIRST' };
      assertGapless(watched.events);
      const outcome: Outcome = {
        tree: (await person.insist(() => person.client.changes(taskId))).headTree,
        record: essence(watched.events, names),
        transcripts: transcriptsOf(model.requests.slice(from), names),
        ledger: (await readFile(join(workspace, LEDGER), 'utf8')).trim().split('\n'),
      };
      await watched.close();
      await relay.close();
      return outcome;
    },

    async playKilledAt(points, chosen) {
      const spared = points.filter((point) => !chosen.includes(point));
      const file = await stage.file(`killed-${randomUUID()}`, spared);
      let known = spared.length;
      const hasProgress = (): boolean => {
        const before = known;
        known = pointsIn(file).length;
        return known > before;
      };
      const relay = stage.relay({ HANDOFF_KILL_POINTS: `kill:${file}` }, hasProgress);
      const outcome = await stage.play(relay);
      const met = new Set(pointsIn(file));
      return { outcome, deaths: relay.deaths(), missed: chosen.filter((point) => !met.has(point)) };
    },

    async file(name, lines) {
      const path = join(folder, name);
      await writeFile(path, lines.map((line) => `${line}\n`).join(''));
      return path;
    },

    async close() {
      await Promise.all(watches.map((watch) => watch.close()));
      await Promise.all(relays.map((relay) => relay.close()));
      await model.close();
      await removeFolder(folder);
    },
  };
  return stage;
}

/** What the person says and does, at the same places of the conversation in every run. */
async function converse(
  { client, insist }: Person,
  taskId: string,
  watched: Watch,
  workspace: string,
): Promise<void> {
  const send = (messageId: string, text: string) =>
    insist(() => client.sendMessage(taskId, { clientId: messageId, text }));
  const ended = (id: string) => watched.until('turn.ended', ({ turnId }) => turnId === id);

  await watched.until('tool.output', ({ text }) => text.includes('waiting'));
  await send('message-steered', SAYS.steered);
  await send('message-edited', 'Not yet said right');
  await send('message-withdrawn', SAYS.withdrawn);
  await insist(() => client.editMessage(taskId, 'message-edited', { text: SAYS.edited }));
  await insist(() => client.withdrawMessage(taskId, 'message-withdrawn')).catch(onlyIfDone);
  await writeFile(join(workspace, GATE), '');

  await watched.until('turn.parked');
  const { questionId, turnId } = await watched.until('question.asked');
  await insist(() => client.answer(taskId, { questionId, answer: { kind: 'choice', label: 'km' } }));
  await ended(turnId);

  const second = await send('message-stopped', SAYS.stopped);
  await watched.until('tool.output', ({ text }) => text.includes('running'));
  await insist(() => client.stop(taskId));
  await ended(second.turnId);

  const third = await send('message-last', SAYS.last);
  await ended(third.turnId);
}

/** A withdrawal whose answer was lost is refused when it is asked for again. */
function onlyIfDone(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'already_delivered')) throw error;
}
