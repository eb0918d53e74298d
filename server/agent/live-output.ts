import type { Agent } from './agent.ts';
import { createTextStream, type TextStream } from './text-stream.ts';
import { LIMITS } from './tools/limits.ts';
import { type TurnContext, tell } from './turn-context.ts';

/** Live output reaches clients at most this often (ms). */
const OUTPUT_INTERVAL_MS = 100;

/** What a call prints, shown while it runs. */
export interface LiveOutput {
  push(stream: 'stdout' | 'stderr', text: string): void;
  close(): Promise<void>;
}

/**
 * Output as events while the call runs. A command that is attached to again replays its output from the beginning:
 * what was shown of each stream before is skipped, so that nobody sees it twice.
 */
export async function showOutput(
  turn: TurnContext,
  { by }: Agent,
  callId: string,
  hasBegun: boolean,
): Promise<LiveOutput> {
  const { taskId, turnId } = turn;
  const before = { stdout: 0, stderr: 0 };
  const earlier = hasBegun ? await turn.log.findAll(taskId, `${callId}:output:`) : [];
  for (const event of earlier) {
    if (event.type === 'tool.output') before[event.stream] += event.text.length;
  }
  const open = (stream: 'stdout' | 'stderr'): TextStream & { skip: number; shown: number } => {
    let offset = before[stream];
    const text = createTextStream(OUTPUT_INTERVAL_MS, (piece) => {
      const key = `${callId}:output:${stream}:${offset}`;
      offset += piece.length;
      return tell(turn, { key, event: { type: 'tool.output', turnId, ...by, callId, stream, text: piece } });
    });
    return { ...text, skip: offset, shown: offset };
  };
  const streams = { stdout: open('stdout'), stderr: open('stderr') };
  return {
    push(name, text) {
      const stream = streams[name];
      const fresh = text.slice(stream.skip);
      stream.skip -= text.length - fresh.length;
      const room = LIMITS.bashShown - stream.shown;
      const piece = fresh.slice(0, Math.max(0, room));
      stream.shown += piece.length;
      if (piece !== '') stream.push(piece);
    },
    async close() {
      await streams.stdout.close();
      await streams.stderr.close();
    },
  };
}
