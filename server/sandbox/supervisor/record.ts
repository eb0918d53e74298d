import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { type ExecOutcome, encodeFrame, frameReader, MAX_BODY } from '../supervised/wire.ts';
import { dropOutput, type OutputLog, outputLog, outputSize } from './output-log.ts';
import { createRoom, type Room, type RoomLimits } from './room.ts';

/** A command that prints more than the first has its end in its result only; when all together have more than the second, the oldest go. */
const LIMITS: RoomLimits = { each: 64 << 20, together: 512 << 20 };

const RECORD_NAME = /^[0-9a-f]{40}$/;

/** The durable side of one command: its claim, its output so far, how it ended. Outlives the supervisor. */
export interface ExecRecord {
  output: OutputLog;
  finish(outcome: ExecOutcome, parts: Buffer[]): void;
  /** How it ended; undefined where that was never recorded. */
  ending(): { outcome: ExecOutcome; body: Buffer } | undefined;
}

export interface ExecRecords {
  /** The record of a command that was claimed before, whenever that was. */
  find(execId: string): ExecRecord | undefined;
  /** Claims the id. @throws where it is claimed already: a command runs once. */
  claim(execId: string): ExecRecord;
}

/** @param folder on the sandbox's persistent disk; a command's claim is a folder in it, made before the command starts */
export function execRecords(folder: string, limits = LIMITS): ExecRecords {
  const room = createRoom(limits, () => pastOutputs(folder), dropOutput);
  const place = (execId: string): string =>
    `${folder}/${createHash('sha256').update(execId).digest('hex').slice(0, 40)}`;
  return {
    find: (execId) => (fs.existsSync(place(execId)) ? record(place(execId), room) : undefined),
    claim: (execId) => {
      fs.mkdirSync(place(execId));
      return record(place(execId), room);
    },
  };
}

function record(place: string, room: Room): ExecRecord {
  const result = `${place}/result`;
  const output = outputLog(place, room);
  return {
    output,
    finish(outcome, parts) {
      output.close();
      room.release(place);
      try {
        fs.writeFileSync(`${result}.part`, Buffer.concat(encodeFrame(outcome, Buffer.concat(parts))));
        fs.renameSync(`${result}.part`, result);
      } catch {
        // A full disk: whoever waits now gets the result, a later one is told `lost` with what the log has.
      }
    },
    ending() {
      let ending: { outcome: ExecOutcome; body: Buffer } | undefined;
      const read = frameReader({ header: 1 << 16, body: MAX_BODY }, ({ header, body }) => {
        // Our own file; a command may have spoilt it, and then fools only the relay's view of its own sandbox.
        ending = { outcome: header as ExecOutcome, body };
      });
      try {
        read(fs.readFileSync(result));
      } catch {
        return undefined;
      }
      return ending;
    },
  };
}

/** What commands of earlier lives left, in the order in which they were last heard of. */
function pastOutputs(folder: string): Array<{ place: string; bytes: number }> {
  return fs
    .readdirSync(folder)
    .filter((name) => RECORD_NAME.test(name))
    .map((name) => ({ place: `${folder}/${name}`, at: fs.statSync(`${folder}/${name}`).mtimeMs }))
    .sort((one, other) => one.at - other.at)
    .map(({ place }) => ({ place, bytes: outputSize(place) }))
    .filter(({ bytes }) => bytes > 0);
}
