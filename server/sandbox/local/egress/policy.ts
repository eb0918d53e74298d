import fs from 'node:fs';
import * as z from 'zod';
import { isDomainPattern } from '../../network.ts';
import { type NetworkPolicy, SandboxError } from '../../sandbox.ts';
import { EGRESS_FOLDER } from '../../supervised/egress-folder.ts';
import { EGRESS_PROXY_PORT } from '../../supervised/own-ports.ts';
import type { BwrapPlan } from '../bwrap.ts';
import { putText } from '../put-file.ts';

/** Inside, the supervisor listens for it without rights, so not below 1024. */
const InsidePort = z
  .number()
  .int()
  .min(1024)
  .max(65_535)
  .refine((port) => port !== EGRESS_PROXY_PORT, `${EGRESS_PROXY_PORT} is the proxy's own port`);
const Forward = z.object({
  port: InsidePort,
  to: z.object({ host: z.string().min(1).max(253), port: z.number().int().min(1).max(65_535) }),
});
const Forwards = z
  .array(Forward)
  .max(64)
  .refine((list) => new Set(list.map(({ port }) => port)).size === list.length, 'a port is forwarded twice')
  .exactOptional();
const Domain = z.string().refine(isDomainPattern, 'is no host name in lower case, nor *.name');

const Policy = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('none'), forwards: Forwards }),
  z.object({ mode: z.literal('allow-list'), domains: z.array(Domain).max(10_000), forwards: Forwards }),
  z.object({ mode: z.literal('open') }),
]);

const NONE: NetworkPolicy = { mode: 'none' };

/** What of a sandbox's place the network is about. */
export interface NetworkPlace {
  root: string;
}

/** What the sandbox may reach, where the sandbox cannot see it. */
const policyFile = ({ root }: NetworkPlace): string => `${root}/network.json`;

/** The folder with the sandbox's sockets; the host's side of `EGRESS_FOLDER`. */
export const socketFolder = ({ root }: NetworkPlace): string => `${root}/net`;

/** @throws SandboxError `failed` where the policy itself is wrong */
export function checkNetwork(policy: NetworkPolicy = NONE): void {
  const checked = Policy.safeParse(policy);
  if (checked.success) return;
  const [issue] = checked.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new SandboxError('failed', `The network of a sandbox is wrong at ${where}: ${issue?.message}.`);
}

/** Notes for the egress process what a sandbox may reach; a full disk matters only where that is new. */
export function writePolicy(place: NetworkPlace, policy: NetworkPolicy): void {
  const content = JSON.stringify(policy);
  if (fs.existsSync(policyFile(place)) && fs.readFileSync(policyFile(place), 'utf8') === content) return;
  // The process that reads it is not root.
  putText(policyFile(place), content, 0o644);
}

/** What was noted. @throws where nothing was, or nothing that can be understood */
export function readPolicy(place: NetworkPlace): NetworkPolicy {
  return Policy.parse(JSON.parse(fs.readFileSync(policyFile(place), 'utf8')));
}

/** Whether the sandbox has a proxy. */
export function hasProxy(policy: NetworkPolicy): boolean {
  return policy.mode !== 'none';
}

export function forwardsOf(
  policy: NetworkPolicy,
): NonNullable<Extract<NetworkPolicy, { mode: 'none' }>['forwards']> {
  return policy.mode === 'open' ? [] : (policy.forwards ?? []);
}

/** Whether anything has to run outside of the sandbox for it. */
export function needsEgress(policy: NetworkPolicy = NONE): boolean {
  return hasProxy(policy) || forwardsOf(policy).length > 0;
}

/** Host folder by place inside: nothing, where the sandbox has no network. */
export function networkFolders(place: NetworkPlace, policy: NetworkPolicy | undefined): BwrapPlan['folders'] {
  return needsEgress(policy) ? [{ from: socketFolder(place), to: EGRESS_FOLDER, readOnly: true }] : [];
}
