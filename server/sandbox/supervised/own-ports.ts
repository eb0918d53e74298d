/** Where commands in a sandbox find the proxy to the domains that they may reach. */
export const EGRESS_PROXY_PORT = 3128;

/** TCP ports inside a sandbox that serve Handoff and never the task: neither listed nor connected to. */
export const OWN_PORTS: ReadonlySet<number> = new Set([EGRESS_PROXY_PORT]);
