/** Where the supervisor finds things; all absolute, inside the sandbox. */
export interface Places {
  workspace: string;
  home: string;
  scratch: string;
  /** The supervisor's records of commands. */
  state: string;
  /** What commands have as `PATH`. */
  path: string;
}

/** The same in every sandbox that Handoff lays out itself, and where its own two programs are there. */
export const INSIDE = {
  workspace: '/workspace',
  home: '/home/agent',
  scratch: '/var/handoff',
  state: '/run/handoff',
  /** The machine's own toolchain first, so that a project sees the Node of its person, else the relay's. */
  path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/handoff/bin',
  node: '/opt/handoff/bin/node',
  supervisor: '/opt/handoff/supervisor.mjs',
} as const satisfies Places & Record<string, string>;
