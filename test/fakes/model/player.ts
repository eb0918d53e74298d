import { readFileSync } from 'node:fs';
import { type Listener, listen } from '../http.ts';

/** What a provider once sent: `status`, `content-type`, how it ended where not in order, an empty line, and the bytes. */
interface Recording {
  status: number;
  type: string;
  /** `cut`: the connection was destroyed. `hang`: nothing more came. */
  end: 'close' | 'cut' | 'hang';
  body: Buffer;
}

/** Bytes that are sent at once: few, so that pieces end in the middle of lines and of characters. */
const PIECE = 19;

/** A provider that answers everything with what is in `file`. */
export async function playRecording(file: URL): Promise<Listener> {
  const { status, type, end, body } = read(file);
  return listen(async (_request, response) => {
    response.writeHead(status, { 'content-type': type });
    response.flushHeaders();
    for (let at = 0; at < body.length; at += PIECE) {
      await new Promise((resolve) => response.write(body.subarray(at, at + PIECE), resolve));
    }
    if (end === 'cut') response.destroy();
    else if (end === 'close') response.end();
  });
}

function read(file: URL): Recording {
  const bytes = readFileSync(file);
  const at = bytes.indexOf('\n\n');
  const fields = new Map(
    bytes
      .subarray(0, at)
      .toString()
      .split('\n')
      .map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
  );
  const end = fields.get('end');
  return {
    status: Number(fields.get('status')),
    type: fields.get('content-type') ?? '',
    end: end === 'cut' || end === 'hang' ? end : 'close',
    body: bytes.subarray(at + 2),
  };
}
