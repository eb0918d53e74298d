import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import type { Agent } from '../../server/agent/agent.ts';
import { NOTHING_BESIDE } from '../../server/agent/beside.ts';
import { knownFiles } from '../../server/agent/known-files.ts';
import { type ToolStep, toolStep } from '../../server/agent/tool-step.ts';
import type { Tool } from '../../server/agent/tools/tool.ts';
import type { TurnContext } from '../../server/agent/turn-context.ts';
import { createModelHealth } from '../../server/models/health.ts';
import type { EventOf, NewEvent, TaskEvent } from '../../server/protocol/events.ts';
import type { Sandbox } from '../../server/sandbox/sandbox.ts';
import { type Connection, connectOver } from '../../server/sandbox/supervised/connection.ts';
import { supervisedSandbox } from '../../server/sandbox/supervised/sandbox.ts';
import { createContext } from '../../server/sandbox/supervisor/context.ts';
import { serve } from '../../server/sandbox/supervisor/serve.ts';

/** Runs tools as a turn does, in a folder: the real supervisor is in this process, and what is recorded is in memory. */
export interface ToolBench {
  workspace: string;
  sandbox: Sandbox;
  /** Everything that was told of the calls. */
  events: TaskEvent[];
  /** What is remembered, by key. */
  memos: Map<string, unknown>;
  /** What the model takes besides text. */
  abilities: { images: boolean; pdf: boolean };
  put(path: string, content: string | Uint8Array): void;
  content(path: string): Buffer;
  /** One call of the agent's, under an id of its own: `t:1`, `t:2` … */
  call(name: string, input: unknown): Promise<EventOf<'tool.finished'>>;
  /** The same call once more, as after a crash: without its result in the record, if it got that far. */
  again(callId: string): Promise<EventOf<'tool.finished'>>;
  /** A turn that goes on elsewhere: the agent knows what the record has. */
  resume(): void;
  stop(): void;
  close(): Promise<void>;
}

export async function createToolBench(
  tools: readonly Tool[],
  services: Partial<TurnContext> = {},
): Promise<ToolBench> {
  const root = fs.mkdtempSync(join(tmpdir(), 'handoff-tools-'));
  const at = {
    workspace: join(root, 'workspace'),
    home: join(root, 'home'),
    scratch: join(root, 'scratch'),
    state: join(root, 'state'),
    path: process.env['PATH'] ?? '',
  };
  for (const name of ['workspace', 'home', 'scratch', 'state']) fs.mkdirSync(join(root, name));
  const [ours, theirs] = duplexPair();
  serve(theirs, createContext(at));
  const connection: Connection = await connectOver(ours, 10_000);
  const sandbox = supervisedSandbox({
    ref: { provider: 'local', id: 'bench' },
    caps: {
      isolation: 'namespaces',
      byteExactOutput: true,
      attach: true,
      network: 'none',
      limits: { processes: false, cpus: false, memory: false, disk: false },
    },
    places: at,
    connection: async () => connection,
  });

  const stopping = new AbortController();
  const keyed = new Map<string, TaskEvent>();
  const events: TaskEvent[] = [];
  const memos = new Map<string, unknown>();
  const abilities = { images: true, pdf: true };
  const append = async (
    _task: string,
    _speaker: unknown,
    told: { key: string; event: NewEvent }[],
  ): Promise<{ seq: number; hasMessages: boolean }> => {
    for (const { key, event } of told) {
      if (keyed.has(key)) continue;
      const known = { seq: events.length + 1, at: 0, ...event } as TaskEvent;
      keyed.set(key, known);
      events.push(known);
    }
    return { seq: events.length, hasMessages: false };
  };
  const fake = {
    taskId: 'task',
    turnId: 't',
    claim: { taskId: 'task', turnId: 't', epoch: 1 },
    log: {
      append,
      find: async (_task: string, key: string) => keyed.get(key),
      findAll: async (_task: string, prefix: string) =>
        [...keyed].filter(([key]) => key.startsWith(prefix)).map(([, event]) => event),
    },
    store: {
      standing: async () => ({ state: 'running', epoch: 1, stopRequested: false }),
      async memo(_task: string, key: string, compute: () => Promise<unknown>) {
        if (!memos.has(key)) memos.set(key, JSON.parse(JSON.stringify(await compute())));
        return memos.get(key);
      },
      async memoOf(_claim: object, key: string, compute: () => Promise<unknown>) {
        const value = JSON.parse(JSON.stringify(await compute()));
        if (!memos.has(key)) memos.set(key, value);
        return { value: memos.get(key) };
      },
    },
    hide: (_task: string, text: string) => text,
    models: () => [{ abilities }],
    health: createModelHealth(Date.now),
    now: () => 0,
    mail: { mayBeThere: false },
    beside: NOTHING_BESIDE,
    logger: { error: (_fields: unknown, message: string) => process.stderr.write(`${message}\n`) },
    ...services,
  };
  // Of a turn only what its tools reach.
  const turn = fake as unknown as TurnContext;
  const agent = {
    id: 't',
    by: {},
    isLead: true,
    depth: 0,
    modelRole: 'lead',
    model: undefined,
    tools,
    files: knownFiles([], undefined),
    open: async () => sandbox,
    signal: async () => stopping.signal,
  } as unknown as Agent;

  let calls = 0;
  const run = async (callId: string, name: string, input: unknown, mayHaveBegun: boolean) => {
    const step: ToolStep = await toolStep(
      turn,
      agent,
      { callId, name, input },
      { mayHaveBegun, isTold: false },
    );
    const finished = keyed.get(`${callId}:finished`);
    if (finished?.type !== 'tool.finished') throw new Error(`the call ended as ${step.kind}`);
    return finished;
  };
  return {
    workspace: at.workspace,
    sandbox,
    events,
    memos,
    abilities,
    put(path, content) {
      const target = join(at.workspace, path);
      fs.mkdirSync(join(target, '..'), { recursive: true });
      fs.writeFileSync(target, content);
    },
    content: (path) => fs.readFileSync(join(at.workspace, path)),
    call: (name, input) => run(`t:${++calls}`, name, input, false),
    again(callId) {
      const started = keyed.get(`${callId}:started`);
      if (started?.type !== 'tool.started') throw new Error(`${callId} was never begun`);
      keyed.delete(`${callId}:finished`);
      return run(callId, started.name, started.input, true);
    },
    resume: () => void (agent.files = knownFiles(events, undefined)),
    stop: () => stopping.abort(),
    async close() {
      // Not all that carries a mark: the supervisor in this process sees the commands of every sandbox on the machine.
      await sandbox.killAll('t:');
      connection.close();
      fs.rmSync(root, { recursive: true, force: true });
    },
  };
}
