import type { Terminal } from '../../../server/cli/command.ts';

/** A terminal that keeps what was written to it. */
export interface RecordedTerminal extends Terminal {
  written: { out: string; err: string };
}

export function recordTerminal(with_: Partial<Terminal> = {}): RecordedTerminal {
  const written = { out: '', err: '' };
  return {
    out: (text) => void (written.out += text),
    err: (text) => void (written.err += text),
    errIsTty: false,
    canAsk: false,
    env: {},
    cwd: process.cwd(),
    ...with_,
    written,
  };
}
