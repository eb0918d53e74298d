import * as z from 'zod';

/**
 * Why a connection was not made: the name is not allowed; the port is not served; the name is of this host or its networks;
 * the sandbox has too many connections. For the person who asks what a task wanted.
 */
export const Refusal = z.object({
  host: z.string().max(256),
  port: z.number().int(),
  why: z.enum(['name', 'port', 'address', 'connections']),
  count: z.number().int().min(1),
});
export type Refusal = z.infer<typeof Refusal>;

/** Different ones that are kept; a hostile sandbox can name as many as it likes. */
export const MAX_REFUSALS = 100;

export interface RefusalLog {
  note(refusal: Omit<Refusal, 'count'>): void;
  /** In the order in which they were first met. */
  list(): Refusal[];
}

/** Counts refusals; beyond `MAX_REFUSALS` different ones, new ones are left out. */
export function refusalLog(): RefusalLog {
  const noted = new Map<string, Refusal>();
  return {
    note(refusal) {
      const key = `${refusal.host} ${refusal.port} ${refusal.why}`;
      const known = noted.get(key);
      if (known !== undefined) known.count += 1;
      else if (noted.size < MAX_REFUSALS) noted.set(key, { ...refusal, count: 1 });
    },
    list: () => [...noted.values()].map((refusal) => ({ ...refusal })),
  };
}
