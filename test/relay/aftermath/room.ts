import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Check } from '../../../server/protocol/task.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';
import { type Receiver, startReceiver } from './receiver.ts';

/** A workshop whose relay tells a receiver of every turn's end. */
export interface Room extends Workshop {
  receiver: Receiver;
  /** Sends a follow-up. @returns the turn that it started or joined */
  say(taskId: string, text: string): Promise<string>;
  /** The checks of a task's nth turn, without their times, and what they were run on. */
  checks(
    taskId: string,
    nth?: number,
  ): Promise<Omit<Check, 'startedAt' | 'durationMs' | 'tree'>[] | undefined>;
  /** The home folder in the only sandbox, as the host sees it: no part of what is proposed. */
  home(): Promise<string>;
}

export async function openRoom(scenario: Scenario, env: Record<string, string> = {}): Promise<Room> {
  const receiver = await startReceiver();
  const workshop = await openWorkshop(scenario, { HANDOFF_NOTIFY_URL: receiver.url, ...env });
  return {
    ...workshop,
    receiver,
    async say(taskId, text) {
      return (await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text })).turnId;
    },
    async checks(taskId, nth = 1) {
      const { turns } = await workshop.client.getTask(taskId);
      return turns[nth - 1]?.checks?.map(
        ({ startedAt: _at, durationMs: _ms, tree: _tree, ...check }) => check,
      );
    },
    home: async () => join(await workshop.workspace(), '..', 'home'),
    async close() {
      receiver.hold(false);
      await workshop.close();
      await receiver.close();
    },
  };
}

export const call = (name: string, args: Record<string, unknown>) => ({
  toolCalls: [{ name, arguments: args }],
});

/** What an agent does that changes a file and configures checks, each a name and a command. */
export const configured = (checks: Record<string, string>) => [
  call('write', { path: 'notes.md', content: 'a note\n' }),
  call('write', {
    path: '.handoff/config.json',
    content: JSON.stringify({
      checks: Object.entries(checks).map(([name, command]) => ({ name, command })),
    }),
  }),
];

/** Waits for a file that a command in the sandbox makes: no event tells of it. */
export async function written(file: string): Promise<void> {
  while ((await readFile(file, 'utf8').catch(() => '')) === '') await delay(20);
}
