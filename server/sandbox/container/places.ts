import type { Places } from '../supervised/places.ts';

/** Everything that a machine keeps, on its one volume. */
export const VOLUME = '/sandbox';
/** What the relay brings along, read-only. */
export const RUNTIME = '/opt/handoff';
/** What a snapshot keeps, on its volume. */
export const SNAPSHOT = '/snapshot';

/** The user of all processes in a container; images need not know it. */
export const USER = { uid: 1000, gid: 1000 } as const;

export const PLACES = {
  workspace: `${VOLUME}/workspace`,
  home: `${VOLUME}/home`,
  scratch: `${VOLUME}/scratch`,
  state: `${VOLUME}/state`,
} as const satisfies Partial<Places>;

/** Where the supervisor listens. */
export const SOCKET = `${PLACES.state}/socket`;

/** What the relay brings along, by name in `RUNTIME`. */
export const PROGRAMS = {
  supervisor: `${RUNTIME}/supervisor.mjs`,
  bridge: `${RUNTIME}/stdio.mjs`,
  bin: `${RUNTIME}/bin`,
  node: `${RUNTIME}/bin/node`,
} as const;
