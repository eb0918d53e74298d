import * as z from 'zod';
import { Refusal } from './refusals.ts';

/** What a relay asks the egress process, one line of JSON a connection, and what it hears: one line, and the end. */
export const ControlRequest = z.discriminatedUnion('op', [
  /** Serve this sandbox, by the policy that is noted for it. Answered when its sockets are there. */
  z.object({ op: z.literal('serve'), id: z.string() }),
  /** What the sandbox was refused since it is served, and whether it is. */
  z.object({ op: z.literal('refusals'), id: z.string() }),
]);
export type ControlRequest = z.infer<typeof ControlRequest>;

export const ControlAnswer = z.union([
  z.object({
    ok: z.literal(true),
    refusals: z.array(Refusal),
    /** Whether the sandbox is connected here, by the sockets that it finds in its folder. */
    inUse: z.boolean().default(false),
  }),
  z.object({ ok: z.literal(false), message: z.string() }),
]);
export type ControlAnswer = z.infer<typeof ControlAnswer>;

/** The name of the socket, in the process's own folder. */
export const CONTROL_SOCKET = 'control';
/** Bytes of a line in either direction. */
export const MAX_LINE = 1 << 20;
