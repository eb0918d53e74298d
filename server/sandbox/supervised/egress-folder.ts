/**
 * The folder of a sandbox that may reach something, read-only there. Each socket in it is named by the port of the
 * sandbox's loopback that it stands for: the proxy's, and one for each forwarded server.
 */
export const EGRESS_FOLDER = '/run/handoff-net';

/** The socket to which the sandbox keeps a connection for as long as it runs. It carries nothing. */
export const PRESENCE_SOCKET = 'present';
