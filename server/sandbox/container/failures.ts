import { SandboxError, type SandboxErrorCode } from '../sandbox.ts';
import type { EngineKind } from './names.ts';

interface Known {
  /** What the engines print; they have no other way of saying why. */
  said: RegExp;
  code: SandboxErrorCode;
  what: (kind: EngineKind) => string;
  nextAction: (kind: EngineKind) => string;
}

const START: Record<EngineKind, string> = {
  docker: 'Start Docker Desktop, or on Linux: sudo systemctl start docker',
  podman: 'Run: podman machine start (macOS, Windows), or: podman system migrate (Linux)',
};
const ALLOW: Record<EngineKind, string> = {
  docker: 'Run: sudo usermod -aG docker "$USER", and log in again; or use podman, which needs no rights.',
  podman: 'Run: podman system migrate, or unset CONTAINER_HOST.',
};

/** The first that fits counts. */
const KNOWN: Known[] = [
  {
    // Relays share an engine: what one of them made or removed is there, or gone, for the other.
    said: /no such container|container name [^\n]* already in use|removal of container|marked for removal/i,
    code: 'busy',
    what: () => 'Somebody else made or removed the container meanwhile.',
    nextAction: () => 'Try again.',
  },
  {
    said: /permission denied[^\n]*(socket|\.sock|docker API)|(socket|\.sock)[^\n]*permission denied/i,
    code: 'unavailable',
    what: (kind) => `You may not use ${kind} on this machine.`,
    nextAction: (kind) => ALLOW[kind],
  },
  {
    said: /Cannot connect to the Docker daemon|Is the docker daemon running|error during connect|failed to connect to the docker API|unable to connect to Podman|Cannot connect to Podman/i,
    code: 'unavailable',
    what: (kind) => `${kind} is installed, but its engine does not run.`,
    nextAction: (kind) => START[kind],
  },
  {
    said: /no space left on device|disk quota exceeded/i,
    code: 'no-space',
    what: (kind) => `${kind} has no room left on its disk.`,
    nextAction: (kind) =>
      `See what takes it: ${kind} system df; remove images that nothing uses: ${kind} image prune -a`,
  },
  {
    said: /toomanyrequests|rate limit/i,
    code: 'busy',
    what: () => 'The registry of the image asks for patience.',
    nextAction: (kind) => `Try later, or log in there: ${kind} login`,
  },
  {
    said: /manifest unknown|manifest for .* not found|pull access denied|requested access .* denied|repository .* (not found|does not exist)|name unknown|unauthorized|no matching manifest|no such image|image not known/i,
    code: 'unavailable',
    what: () => 'The image cannot be had: it does not exist, or only for who is logged in.',
    nextAction: (kind) =>
      `Check the image's name (HANDOFF_IMAGE, or "image" of the repository), or: ${kind} login`,
  },
  {
    said: /i\/o timeout|TLS handshake timeout|no such host|connection refused|connection reset|unexpected EOF|name resolution|network is unreachable|Client\.Timeout|deadline exceeded/i,
    code: 'busy',
    what: () => 'The registry of the image does not answer.',
    nextAction: (kind) => `Check the network, or pull the image by hand: ${kind} pull IMAGE`,
  },
  {
    said: /container[- ]init|catatonit|docker-init|conmon|cgroup|controller/i,
    code: 'unavailable',
    what: (kind) => `${kind} on this machine lacks what limits or starts a container.`,
    nextAction: (kind) =>
      `See: ${kind} info. ${kind === 'podman' ? 'Install catatonit, crun and conmon.' : 'Reinstall docker.'}`,
  },
  {
    said: /executable file[^\n]*not found|exec format error|exec[^\n]*no such file or directory|stat [^\n]*no such file or directory/i,
    code: 'unavailable',
    what: () =>
      'The image cannot run what a sandbox needs: Node with glibc, bash, Git and coreutils of this machine’s architecture.',
    nextAction: () => 'Use an image based on Debian, Ubuntu or Fedora, or unset HANDOFF_IMAGE.',
  },
];

/** Characters of an engine's complaint that go into a message. */
const COMPLAINT = 600;

/** What an engine complained of, as an error that says what mends it. */
export function engineFailure(kind: EngineKind, verb: string, complaint: string): SandboxError {
  const text = complaint.trim().slice(-COMPLAINT);
  const known = KNOWN.find(({ said }) => said.test(complaint));
  if (known === undefined)
    return new SandboxError('failed', `${kind} ${verb} failed: ${text || 'it did not say why'}`);
  return new SandboxError(known.code, `${known.what(kind)} It says: ${text}`, {
    nextAction: known.nextAction(kind),
  });
}

export function notInstalled(program: string): SandboxError {
  return new SandboxError('unavailable', `There is no ${program} on the path.`, {
    nextAction:
      'Install podman (https://podman.io) or Docker (https://docs.docker.com/engine/install), or set HANDOFF_CONTAINER_CLI to where it is.',
  });
}

export function tooSlow(kind: EngineKind, verb: string, seconds: number): SandboxError {
  return new SandboxError('busy', `${kind} ${verb} did not end within ${seconds} seconds.`, {
    nextAction: `See whether the engine answers at all: ${kind} ps`,
  });
}
