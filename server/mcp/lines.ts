/**
 * Takes bytes as they come and hands out whole lines, without their ends. Each byte is looked at once, however small the pieces are:
 * a program that is not trusted chooses them.
 * @param most bytes of one line @returns false where a line is longer; nothing more is to be given then
 */
export function lineReader(most: number, onLine: (line: string) => void): (chunk: Uint8Array) => boolean {
  let pieces: Uint8Array[] = [];
  let held = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.byteLength; ) {
      const end = chunk.indexOf(0x0a, at);
      const piece = chunk.subarray(at, end === -1 ? chunk.byteLength : end);
      held += piece.byteLength;
      if (held > most) return false;
      pieces.push(piece);
      if (end === -1) return true;
      const line = Buffer.concat(pieces).toString('utf8');
      pieces = [];
      held = 0;
      at = end + 1;
      onLine(line);
    }
    return true;
  };
}
