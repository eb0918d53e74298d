import type * as z from 'zod';

interface Init {
  method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  /** How long (ms) to wait for the answer. */
  timeoutMs?: number;
  json?: unknown;
}

/** How `createRelayClient` asks the relay, and reads its answers: for calls that are kept in files of their own. */
export interface Asking {
  /** The path of a task's route. */
  task: (id: string, rest: string) => string;
  request: (path: string, init: Init) => Promise<Response>;
  read: <Schema extends z.ZodType>(schema: Schema, path: string, init?: Init) => Promise<z.infer<Schema>>;
}
