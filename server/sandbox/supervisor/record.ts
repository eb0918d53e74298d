import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { type ExecOutcome, encodeFrame, frameReader, MAX_BODY, type StreamName } from '../supervised/wire.ts';

/** Bytes of output that are kept for those who attach later; what comes after it, they get only live. */
const LOG_LIMIT = 4 << 20;

const STREAMS: readonly StreamName[] = ['stdout', 'stderr'];
/** A chunk in the log: stream number (1 byte), length (4 bytes, big endian), bytes. */
const CHUNK_HEAD = 5;

/** The durable side of one command: its claim, its output so far, how it ended. Outlives the supervisor. */
export interface ExecRecord {
  append(name: StreamName, chunk: Buffer): void;
  /** The output recorded so far, in the order in which it came. */
  replay(onOutput: (name: StreamName, chunk: Buffer) => void): void;
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
export function execRecords(folder: string): ExecRecords {
  const place = (execId: string): string =>
    `${folder}/${createHash('sha256').update(execId).digest('hex').slice(0, 40)}`;
  return {
    find: (execId) => (fs.existsSync(place(execId)) ? record(place(execId)) : undefined),
    claim: (execId) => {
      fs.mkdirSync(place(execId));
      return record(place(execId));
    },
  };
}

function record(place: string): ExecRecord {
  const log = `${place}/output`;
  const result = `${place}/result`;
  let logged = 0;
  return {
    append(name, chunk) {
      if (logged + chunk.length > LOG_LIMIT) logged = LOG_LIMIT;
      if (logged >= LOG_LIMIT) return;
      logged += chunk.length;
      const head = Buffer.alloc(CHUNK_HEAD);
      head.writeUInt8(STREAMS.indexOf(name), 0);
      head.writeUInt32BE(chunk.length, 1);
      try {
        fs.appendFileSync(log, Buffer.concat([head, chunk]));
      } catch {
        logged = LOG_LIMIT; // A full disk: the command goes on, those who attach later miss the middle.
      }
    },
    replay(onOutput) {
      const bytes = readIfThere(log);
      for (let at = 0; at + CHUNK_HEAD <= bytes.length; ) {
        const name = STREAMS[bytes.readUInt8(at)];
        const end = at + CHUNK_HEAD + bytes.readUInt32BE(at + 1);
        if (name === undefined || end > bytes.length) return;
        onOutput(name, bytes.subarray(at + CHUNK_HEAD, end));
        at = end;
      }
    },
    finish(outcome, parts) {
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
        read(readIfThere(result));
      } catch {
        return undefined;
      }
      return ending;
    },
  };
}

function readIfThere(path: string): Buffer {
  try {
    return fs.readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
