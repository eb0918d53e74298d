import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../../../server/errors.ts';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import { type Changes, EditProposal, PatchReview } from '../../../server/protocol/review.ts';
import type { TaskState, TaskSummary } from '../../../server/protocol/task.ts';
import { PROTOCOL_VERSION } from '../../../server/protocol/version.ts';
import { decidedBy } from '../../../server/tasks/decisions.ts';

/** Which events of a task's log a stream carries, as a relay or network that misbehaves would. */
export type Mangle = (events: TaskEvent[], connection: number) => TaskEvent[];

export type RelayDouble = Awaited<ReturnType<typeof startRelayDouble>>;

/** A relay over real HTTP whose tasks are event logs that the test writes. One token: `secret`. */
export async function startRelayDouble({ protocol = PROTOCOL_VERSION, port = 0 } = {}) {
  const logs = new Map<string, TaskEvent[]>();
  const streams = new Set<{ taskId: string; response: ServerResponse }>();
  const requests: string[] = [];
  const reviews: PatchReview[] = [];
  const changes = new Map<string, Changes>();
  const blobs = new Map<string, string>();
  let onEdit: ((edit: EditProposal) => string | undefined) | undefined;
  let connections = 0;
  let mangle: Mangle = (events) => events;
  let refuseReview: (() => string | undefined) | undefined;
  let beforeAnswer: (() => Promise<void>) | undefined;

  const stateOf = (taskId: string): TaskState => (logs.get(taskId) ?? []).reduce(reduce, emptyTask(taskId));
  let held: (() => void)[] | undefined;
  function append(taskId: string, ...added: NewEvent[]): void {
    const log = logs.get(taskId) ?? [];
    const events = added.map((event, index): TaskEvent => {
      const seq = log.length + index + 1;
      return { ...event, seq, at: 1000 + seq };
    });
    logs.set(taskId, [...log, ...events]);
    const tell = () => {
      for (const stream of streams) if (stream.taskId === taskId) write(stream.response, events);
    };
    if (held) held.push(tell);
    else tell();
  }
  const write = (response: ServerResponse, events: TaskEvent[]) => {
    for (const event of events) response.write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
  };

  const server = createServer(async (request, response): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://relay');
    const [, , resource, taskId = '', part, name = ''] = url.pathname.split('/');
    requests.push(`${request.method} ${url.pathname}`);
    const json = (body: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const fail = (status: number, code: string) => json({ code, message: code, requestId: 'r' }, status);

    if (resource === 'health') return json({ status: 'ok', version: '1', protocol });
    if (request.headers.authorization !== 'Bearer secret') return fail(401, 'unauthorized');
    if (resource === 'ready') return json({ ready: true, modelConfigured: true, sandbox: 'local' });
    if (taskId === '') return json({ tasks: [...logs.keys()].map((id) => summaryOf(stateOf(id))) });
    if (!logs.has(taskId)) return fail(404, 'not_found');
    if (part === undefined) return json(stateOf(taskId));
    if (part === 'changes') return json(changes.get(taskId));
    if (part === 'blobs') return void response.end(blobs.get(name));
    if (part === 'proposal') {
      const code = onEdit?.(EditProposal.parse(JSON.parse(await bodyOf(request))));
      if (code !== undefined) return fail(409, code);
      const { proposal, seq } = stateOf(taskId);
      return json({ revision: proposal?.revision, headTree: proposal?.headTree, seq });
    }
    if (part === 'review') {
      const review = PatchReview.parse(JSON.parse(await bodyOf(request)));
      const code = refuseReview?.();
      if (code !== undefined) return fail(409, code);
      const { revision, files } = changes.get(taskId) ?? nothing;
      try {
        const decisions = decidedBy(review.decisions, files);
        reviews.push(review);
        const acceptedTree = treeOf(reviews.length);
        append(taskId, { type: 'review.decided', revision, decisions, acceptedTree });
        const seq = logs.get(taskId)?.length ?? 0;
        await beforeAnswer?.();
        return json({ revision, acceptedTree, seq });
      } catch (error) {
        if (error instanceof AppError) return fail(409, error.code);
        throw error;
      }
    }
    const after = Number(url.searchParams.get('after'));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
    const stream = { taskId, response };
    streams.add(stream);
    response.on('close', () => streams.delete(stream));
    connections += 1;
    write(
      response,
      mangle(
        (logs.get(taskId) ?? []).filter(({ seq }) => seq > after),
        connections,
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'secret',
    requests,
    reviews,
    changes,
    /** Contents of files by oid. */
    blobs,
    stateOf,
    openStreams: () => [...streams].map(({ taskId }) => taskId).sort(),
    setMangle: (next: Mangle) => {
      mangle = next;
    },
    setRefuseReview: (next: typeof refuseReview) => {
      refuseReview = next;
    },
    /** What happens between the recording of a decision and the answer. */
    setBeforeAnswer: (next: typeof beforeAnswer) => {
      beforeAnswer = next;
    },
    /** Takes in edits of the proposal; what it answers is the code of a refusal. */
    setOnEdit: (next: typeof onEdit) => {
      onEdit = next;
    },
    /** Appends to the task's log and sends it to who listens. */
    append,
    /** Keeps back what streams would carry, until the returned function lets the next so many events go. */
    hold(): (count: number) => void {
      held = [];
      return (count) => {
        for (const tell of held?.splice(0, count) ?? []) tell();
      };
    },
    /** Breaks every stream. */
    cut(): void {
      for (const { response } of streams) response.destroy();
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const nothing: Changes = { revision: 0, baseTree: '', headTree: '', files: [] };

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** A tree's name for the nth review. */
export function treeOf(n: number): string {
  return String(n).padStart(40, '0');
}

function summaryOf(state: TaskState): TaskSummary {
  const { taskId, seq, title, status, createdAt, updatedAt } = state;
  const changedFiles = state.proposal?.files.length ?? 0;
  return { taskId, seq, title, status, createdAt, updatedAt, repository: 'repo', changedFiles };
}

/** The first events of a task that runs. */
export function running(taskId: string): NewEvent[] {
  return [
    {
      type: 'task.created',
      taskId,
      title: `Task ${taskId}`,
      source: { repository: 'repo', commit: treeOf(0), overlayFiles: 0 },
    },
    { type: 'turn.started', turnId: `${taskId}-turn` },
  ];
}

export function said(taskId: string, text: string): NewEvent {
  return { type: 'text.delta', turnId: `${taskId}-turn`, messageId: 'm', attempt: 1, text };
}

export function ended(taskId: string): NewEvent {
  return { type: 'turn.ended', turnId: `${taskId}-turn`, outcome: 'completed', usage: {} };
}

export const silent = { debug() {}, info() {}, warn() {}, error() {} };
