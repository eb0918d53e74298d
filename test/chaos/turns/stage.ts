import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sandboxIdOf } from '../../../server/sandbox/local/layout.ts';
import type { Watch } from '../../relay/turn/watch.ts';
import type { KeptRelay } from '../support/kept-relay.ts';
import type { Person } from '../support/person.ts';
import { openSite } from '../support/site.ts';
import { assertGapless, essence, namesOf, type Outcome, transcriptsOf } from './outcome.ts';
import { pointsIn } from './points.ts';
import { EDITED, GATE, LEDGER, REJECTED, SAYS, scenario } from './scenario.ts';

/** Where the scenario is played, again and again, by relays on the same data that may die at any time. */
export interface Stage {
  /** Plays all turns on a relay to which nothing happens. @returns also the points that it came to */
  playUndisturbed(): Promise<{ outcome: Outcome; points: string[] }>;
  /**
   * Plays all turns on a relay that is killed once at each point of `chosen`, and at those that are not among `points`; again for
   * those that it did not come to, since a step whose result is in the log is not gone through again. `check` sees each outcome.
   */
  playKilledAt(
    points: readonly string[],
    chosen: readonly string[],
    check: (outcome: Outcome) => void,
  ): Promise<Killed>;
  /** Plays all turns on a relay to which `disturb` does what it does, until its signal aborts. */
  playWhile(disturb: (relay: KeptRelay, signal: AbortSignal) => Promise<void>): Promise<Outcome>;
  close(): Promise<void>;
}

export interface Killed {
  deaths: number;
  /** Points that were not come to. */
  missed: string[];
}

const MOST_PLAYS = 4;

export async function openStage(): Promise<Stage> {
  const site = await openSite(scenario);
  const { person, model } = site;

  async function play(relay: KeptRelay): Promise<Outcome> {
    await relay.up;
    const from = model.requests.length;
    const { taskId, clientId } = await site.delegate(SAYS.first);
    const workspace = join(site.data, 'sandboxes', sandboxIdOf(taskId), 'workspace');
    const watched = site.watch(taskId);
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
  }

  /** A list of points that relays read and write. */
  async function pointsFile(lines: readonly string[]): Promise<string> {
    const path = join(site.folder, `points-${randomUUID()}`);
    await writeFile(path, lines.map((line) => `${line}\n`).join(''));
    return path;
  }

  return {
    async playUndisturbed() {
      const file = await pointsFile([]);
      const outcome = await play(site.relay({ HANDOFF_KILL_POINTS: `list:${file}` }));
      return { outcome, points: pointsIn(file) };
    },

    async playKilledAt(points, chosen, check) {
      let deaths = 0;
      let missed = [...chosen];
      for (let plays = 0; plays < MOST_PLAYS && missed.length > 0; plays++) {
        const file = await pointsFile(points.filter((point) => !missed.includes(point)));
        let known = pointsIn(file).length;
        const hasProgress = (): boolean => {
          const before = known;
          known = pointsIn(file).length;
          return known > before;
        };
        const relay = site.relay({ HANDOFF_KILL_POINTS: `kill:${file}` }, hasProgress);
        check(await play(relay));
        deaths += relay.deaths();
        const met = new Set(pointsIn(file));
        missed = missed.filter((point) => !met.has(point));
      }
      return { deaths, missed };
    },

    async playWhile(disturb) {
      // It may be killed before it serves, any number of times.
      const relay = site.relay({}, () => true);
      const over = new AbortController();
      const disturbing = disturb(relay, over.signal);
      try {
        return await play(relay);
      } finally {
        over.abort();
        await disturbing;
      }
    },

    close: site.close,
  };
}

/** What the person says and does, at the same places of the conversation in every run. */
async function converse(person: Person, taskId: string, watched: Watch, workspace: string): Promise<void> {
  const { client, insist } = person;
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

  const content = Buffer.from(EDITED.text).toString('base64');
  await atNewest(person, taskId, (revision) =>
    client.patchReview(taskId, { revision, decisions: [REJECTED] }),
  );
  await atNewest(person, taskId, (revision) =>
    client.editProposal(taskId, { revision, path: EDITED.path, content }),
  );
  const third = await send('message-last', SAYS.last);
  await ended(third.turnId);
}

/** Decides on what was proposed, or edits it, whatever follows the turn before may still make of it. */
async function atNewest(
  { client, insist }: Person,
  taskId: string,
  act: (revision: number) => Promise<unknown>,
): Promise<void> {
  for (;;) {
    const { revision } = await insist(() => client.changes(taskId));
    try {
      return void (await insist(() => act(revision)));
    } catch (error) {
      if (!hasCode(error, 'revision_changed')) throw error;
    }
  }
}

/** A withdrawal whose answer was lost is refused when it is asked for again. */
function onlyIfDone(error: unknown): void {
  if (!hasCode(error, 'already_delivered')) throw error;
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
