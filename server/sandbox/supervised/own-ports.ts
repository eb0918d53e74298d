/** Where commands in a sandbox find the proxy to the domains that they may reach. */
export const EGRESS_PROXY_PORT = 3128;

const own = new Set([EGRESS_PROXY_PORT]);

/** TCP ports inside a sandbox that serve Handoff and never the task: neither listed nor connected to. */
export const OWN_PORTS: ReadonlySet<number> = own;

/** Makes a port the supervisor's own, in this process. */
export function claimPort(port: number): void {
  own.add(port);
}
