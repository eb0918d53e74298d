/** The version of the wire contract. A relay and an editor of different numbers refuse each other with a clear error. */
export const PROTOCOL_VERSION = 2;
