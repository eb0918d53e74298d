import type { ServerResponse } from 'node:http';

/** Something that goes wrong with requests. */
export interface Fault {
  /** Which, as `METHOD /path`. */
  on: RegExp;
  /** An answer instead of the real one; `hang` is none at all, `drop` a broken connection. */
  does: { status: number; headers?: Record<string, string>; body?: unknown } | 'hang' | 'drop';
  /** How many requests it befalls; all, if absent. */
  times?: number;
  /** The request is carried out all the same, and only its answer lost. */
  after?: boolean;
}

/** Faults that are to come. */
export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  /** The fault for a request, used up by it. */
  take(request: string): Fault | undefined;
}

export function createFaults(): Faults {
  let waiting: Fault[] = [];
  return {
    add: (fault) => waiting.push(fault),
    clear: () => {
      waiting = [];
    },
    take(request) {
      const fault = waiting.find(({ on }) => on.test(request));
      if (fault?.times !== undefined && --fault.times <= 0) waiting = waiting.filter((one) => one !== fault);
      return fault;
    },
  };
}

export function befall(response: ServerResponse, { does }: Fault): void {
  if (does === 'hang') return;
  if (does === 'drop') {
    response.destroy();
    return;
  }
  const text = typeof does.body === 'string' ? does.body : JSON.stringify(does.body ?? {});
  const type = typeof does.body === 'string' ? 'text/html' : 'application/json';
  response.writeHead(does.status, { 'content-type': type, ...does.headers });
  response.end(text);
}
