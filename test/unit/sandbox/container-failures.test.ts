import assert from 'node:assert/strict';
import { engineFailure } from '../../../server/sandbox/container/failures.ts';
import type { EngineKind } from '../../../server/sandbox/container/names.ts';

/** As docker 20 to 28 and podman 4 and 5 print it. */
const SAID: Array<[kind: EngineKind, complaint: string, code: string, nextAction: RegExp]> = [
  [
    'docker',
    'Error response from daemon: Conflict. The container name "/handoff-t-one" is already in use by container "0123". You have to remove (or rename) that container to be able to reuse that name.',
    'busy',
    /Try again/,
  ],
  [
    'podman',
    'Error: creating container storage: the container name "handoff-t-one" is already in use by 0123. You have to remove that container to be able to reuse that name: that name is already in use',
    'busy',
    /Try again/,
  ],
  ['podman', 'Error: no container with name or ID "0123" found: no such container', 'busy', /Try again/],
  [
    'docker',
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    'unavailable',
    /systemctl start docker/,
  ],
  [
    'docker',
    'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: permission denied',
    'unavailable',
    /usermod -aG docker/,
  ],
  [
    'docker',
    'error during connect: Get "http://%2F%2F.%2Fpipe%2FdockerDesktopLinuxEngine/v1.46/ps": open //./pipe/dockerDesktopLinuxEngine: The system cannot find the file specified.',
    'unavailable',
    /Docker Desktop/,
  ],
  [
    'podman',
    'Cannot connect to Podman. Please verify your connection to the Linux system using `podman system connection list`, or try `podman machine init` and `podman machine start` to manage a new Linux VM\nError: unable to connect to Podman socket: failed to connect: dial tcp 127.0.0.1:51049: connect: connection refused',
    'unavailable',
    /podman machine start/,
  ],
  [
    'docker',
    "Error response from daemon: pull access denied for team/private, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'unavailable',
    /docker login/,
  ],
  [
    'docker',
    'Error response from daemon: manifest for node:99 not found: manifest unknown: manifest unknown',
    'unavailable',
    /HANDOFF_IMAGE/,
  ],
  [
    'podman',
    'Error: initializing source docker://registry.example.com/x:latest: reading manifest latest in registry.example.com/x: manifest unknown',
    'unavailable',
    /HANDOFF_IMAGE/,
  ],
  [
    'docker',
    'Error response from daemon: toomanyrequests: You have reached your unauthenticated pull rate limit.',
    'busy',
    /docker login/,
  ],
  [
    'docker',
    'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.2:53: no such host',
    'busy',
    /docker pull/,
  ],
  [
    'docker',
    'failed to register layer: write /usr/lib/x.so: no space left on device',
    'no-space',
    /docker system df/,
  ],
  [
    'docker',
    'Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "git": executable file not found in $PATH: unknown',
    'unavailable',
    /HANDOFF_IMAGE/,
  ],
  [
    'podman',
    'Error: container-init binary not found on the host: stat /usr/libexec/podman/catatonit: no such file or directory',
    'unavailable',
    /catatonit/,
  ],
];

describe('what a container engine complains of', () => {
  for (const [kind, complaint, code, nextAction] of SAID) {
    it(`is told as ${code} by ${kind}, with what mends it: ${complaint.slice(0, 60)}…`, () => {
      const failure = engineFailure(kind, 'create', complaint);
      assert.equal(failure.code, code, failure.message);
      assert.match(failure.nextAction ?? '', nextAction);
      assert.ok(failure.message.includes(complaint.slice(-40)));
    });
  }

  it('is told as it is where nobody knows it', () => {
    const { code, message } = engineFailure('podman', 'start', 'Error: the moon is full\n');
    assert.deepEqual(
      { code, message },
      { code: 'failed', message: 'podman start failed: Error: the moon is full' },
    );
    assert.equal(engineFailure('docker', 'rm', '').message, 'docker rm failed: it did not say why');
  });
});
