import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutOf, sandboxIdOf } from '../../server/sandbox/local/layout.ts';
import { filesOf } from '../../server/sandbox/local/meta.ts';
import { follow } from '../relay/turn/watch.ts';
import { type RelayProcess, startRelay } from './relay.ts';
import type { Stage } from './stage.ts';

/** A stage whose relay can be killed and started again, at the same address and on the same data. */
export interface KillableStage extends Omit<Stage, 'relay'> {
  /** Ends the relay as a crash would, and waits until it is gone. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Lets a command of the task go on that waits for the file `gate` in its workspace. */
  openGate(taskId: string): Promise<void>;
  /** The last words of the relay of now. */
  log(): string;
}

/** @param stage ended by the answer's `close`, which takes the place of its own */
export function killable(stage: Stage): KillableStage {
  const { client, data, directory, github, model } = stage;
  const settings = {
    HANDOFF_DATA: data,
    HANDOFF_PORT: new URL(stage.relay.url).port,
    HANDOFF_SANDBOX: 'local',
    HANDOFF_MODEL_BASE_URL: model.url,
    HANDOFF_MODEL_API_KEY: model.apiKey,
    HANDOFF_MODEL: 'fake-model',
  };
  let relay: RelayProcess | undefined = stage.relay;
  let lastWords = '';

  const killableStage: KillableStage = {
    ...stage,
    async kill() {
      assert.ok(relay, 'the relay runs');
      process.kill(relay.pid, 'SIGKILL');
      await relay.close();
      lastWords = relay.log();
      relay = undefined;
    },
    async start() {
      relay = await startRelay(settings);
    },
    openGate: (taskId) =>
      writeFile(join(filesOf(layoutOf(data).place(sandboxIdOf(taskId)), {}).workspace, 'gate'), ''),
    log: () => relay?.log() ?? lastWords,
    async close() {
      if (relay === undefined) await killableStage.start();
      const { tasks } = await client.listTasks();
      for (const { taskId } of tasks) await end(stage, taskId);
      await relay?.close();
      await github.close();
      await model.close();
      // Postgres ends a moment after its relay, and writes until then.
      await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
    },
  };
  return killableStage;
}

/** Stops what a test that failed has left running, then takes the sandbox away, which would outlive the relay. */
async function end({ client }: Stage, taskId: string): Promise<void> {
  const { turnId } = await client.stop(taskId);
  if (turnId !== undefined) {
    const watch = follow(client, taskId, 0);
    await watch.until('turn.ended', (event) => event.turnId === turnId);
    await watch.close();
  }
  await client.archive(taskId);
}
