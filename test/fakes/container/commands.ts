import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { type Parsed, Refused } from './arguments.ts';
import { joinContainer, killContainer, runOnce, startContainer } from './processes.ts';
import type { FakeContainer, Mount, State } from './state.ts';

type Command = (parsed: Parsed, state: State) => Promise<Answer> | Answer;

export interface Answer {
  code?: number;
  out?: string;
  err?: string;
}

/** As a shell tells SIGKILL. */
const KILLED = 137;

const daemon = (message: string): Answer => ({ code: 1, err: `Error response from daemon: ${message}\n` });

/** Does something to a container that is there. */
const onContainer =
  (work: (container: FakeContainer, parsed: Parsed, state: State) => Promise<Answer> | Answer): Command =>
  (parsed, state) => {
    const name = parsed.positional[0] ?? '';
    const container = state.find(name);
    return container === undefined ? daemon(`No such container: ${name}`) : work(container, parsed, state);
  };

/** All commands but `--version`. */
export const COMMANDS: Record<string, Command> = {
  ps(parsed, state) {
    const filters = parsed.options.get('filter') ?? [];
    const matches = (container: FakeContainer): boolean =>
      filters.every((filter) => {
        const [, kind, value = ''] = /^(\w+)=(.*)$/s.exec(filter) ?? [];
        if (kind === 'id') return container.id.startsWith(value);
        if (kind === 'name') return new RegExp(value).test(container.name);
        const [label = '', ...rest] = value.split('=');
        return container.labels[label] === rest.join('=');
      });
    const shown = state
      .all()
      .filter((one) => (parsed.options.has('all') || one.status === 'running') && matches(one));
    return { out: shown.map(({ id }) => `${id}\n`).join('') };
  },

  'container inspect': onContainer((container) => ({
    out: JSON.stringify([
      {
        Id: container.id,
        Name: `/${container.name}`,
        Created: container.createdAt,
        State: {
          Status: container.status,
          StartedAt: container.startedAt ?? '0001-01-01T00:00:00Z',
          ExitCode: container.exitCode ?? (container.status === 'exited' ? 1 : 0),
        },
        Config: { Labels: container.labels, Image: container.image },
        HostConfig: {
          NetworkMode: container.network,
          Memory: container.limits.memory ?? 0,
          NanoCpus: container.limits.nanoCpus ?? 0,
          PidsLimit: container.limits.pids ?? null,
        },
      },
    ]),
  })),

  'image inspect': ({ positional: [name = ''] }, state) =>
    state.hasImage(name) ? { out: 'sha256:0\n' } : daemon(`No such image: ${name}`),

  pull({ positional: [name = ''] }, state) {
    state.addImage(name);
    return { out: `Pulling ${name}\nStatus: Downloaded newer image for ${name}\n` };
  },

  create(parsed, state) {
    const container = planned(parsed, state);
    if (state.find(container.name))
      return daemon(`Conflict. The container name "/${container.name}" is already in use.`);
    state.save(container);
    return { out: `${container.id}\n` };
  },

  run(parsed, state) {
    const { status, stdout, stderr } = runOnce(planned(parsed, state));
    return { code: status ?? KILLED, out: String(stdout), err: String(stderr) };
  },

  start: onContainer(async (container, _parsed, state) => {
    if (container.status !== 'running') await startContainer(state, container);
    return { out: `${container.name}\n` };
  }),

  stop: onContainer(async (container, _parsed, state) => {
    await killContainer(container);
    if (container.status === 'running') state.save({ ...container, status: 'exited', exitCode: KILLED });
    return { out: `${container.name}\n` };
  }),

  unpause: onContainer((container, _parsed, state) => {
    if (container.status !== 'paused') return daemon(`Container ${container.name} is not paused`);
    state.save({ ...container, status: 'running' });
    return {};
  }),

  rm: onContainer(async (container, { options }, state) => {
    if (container.status === 'running' && !options.has('force')) return daemon('container is running');
    await killContainer(container);
    state.forget(container);
    fs.rmSync(state.logPath(container), { force: true });
    if (options.has('volumes'))
      for (const { source } of container.mounts.filter((one) => one.anonymous)) wipe(source);
    return { out: `${container.name}\n` };
  }),

  rename: onContainer((container, { positional: [, name = ''] }, state) => {
    state.save({ ...container, name });
    return {};
  }),

  logs: onContainer((container, _parsed, state) => {
    const path = state.logPath(container);
    return { err: fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : '' };
  }),

  exec: onContainer(async (container, { positional: [, ...command] }) => {
    if (container.status !== 'running') return daemon(`container ${container.id} is not running`);
    return { code: await joinContainer(container, command) };
  }),
};

function planned({ options, positional: [image = '', ...args] }: Parsed, state: State): FakeContainer {
  if (!state.hasImage(image)) throw new Refused(`No such image: ${image}`);
  const one = (name: string): string | undefined => options.get(name)?.at(-1);
  const pairs = (name: string): Record<string, string> =>
    Object.fromEntries(
      (options.get(name) ?? []).map((text) => [text.split('=')[0] ?? '', text.replace(/^[^=]*=/, '')]),
    );
  const id = randomBytes(32).toString('hex');
  const entrypoint = one('entrypoint');
  const [memory, cpus, pids] = [one('memory'), one('cpus'), one('pids-limit')];
  return {
    id,
    name: one('name') ?? id.slice(0, 12),
    labels: pairs('label'),
    image,
    network: one('network') ?? 'bridge',
    mounts: [
      ...(options.get('volumes-from') ?? []).flatMap((from) => volumesOf(from, state)),
      ...(options.get('volume') ?? []).map(hostFolder),
      ...(options.get('mount') ?? []).map((mount) => state.newVolume(volumeAt(mount))),
    ],
    env: pairs('env'),
    workdir: one('workdir') ?? '/',
    command: [...(entrypoint === undefined ? [] : [entrypoint]), ...args],
    limits: {
      ...(memory === undefined ? {} : { memory: Number.parseInt(memory, 10) * 2 ** 20 }),
      ...(cpus === undefined ? {} : { nanoCpus: Number(cpus) * 1e9 }),
      ...(pids === undefined ? {} : { pids: Number(pids) }),
    },
    createdAt: new Date().toISOString(),
    status: 'created',
  };
}

function volumeAt(mount: string): string {
  const destination = /^type=volume,destination=([^,]+)$/.exec(mount)?.[1];
  if (destination === undefined) throw new Refused(`invalid argument "${mount}" for "--mount" flag`);
  return destination;
}

function hostFolder(volume: string): Mount {
  const [source = '', destination = '', options = ''] = volume.split(':');
  if (!fs.existsSync(source)) throw new Refused(`bind source path does not exist: ${source}`);
  return { source, destination, readOnly: options.split(',').includes('ro'), anonymous: false };
}

function volumesOf(from: string, state: State): Mount[] {
  const [name = '', mode] = from.split(':');
  const container = state.find(name);
  if (container === undefined) throw new Refused(`No such container: ${name}`);
  return container.mounts.map((mount) => ({ ...mount, readOnly: mode === 'ro', anonymous: false }));
}

/** Whatever was made in it: folders that may not be entered, names that are no text. */
function wipe(folder: string): void {
  spawnSync('chmod', ['-R', 'u+rwx', '--', folder], { stdio: 'ignore' });
  spawnSync('rm', ['-rf', '--', folder], { stdio: 'ignore' });
}
