import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';

export interface Mount {
  /** A folder of the host. */
  source: string;
  destination: string;
  readOnly: boolean;
  /** It goes with its container. */
  anonymous: boolean;
}

export interface FakeContainer {
  id: string;
  name: string;
  labels: Record<string, string>;
  image: string;
  network: string;
  mounts: Mount[];
  env: Record<string, string>;
  workdir: string;
  command: string[];
  /** Absent: without limit. */
  limits: { memory?: number; nanoCpus?: number; pids?: number };
  createdAt: string;
  status: 'created' | 'running' | 'paused' | 'exited';
  /** Of one that was stopped. */
  exitCode?: number;
  startedAt?: string;
  /** The first process of its process namespace, as the host counts, and when that started. */
  process?: { pid: number; startTicks: string };
}

/** What the double remembers, in a folder: each call of the command line is a process of its own. */
export interface State {
  root: string;
  all(): FakeContainer[];
  find(nameOrId: string): FakeContainer | undefined;
  save(container: FakeContainer): void;
  forget(container: FakeContainer): void;
  newVolume(destination: string): Mount;
  logPath(container: FakeContainer): string;
  hasImage(name: string): boolean;
  addImage(name: string): void;
}

export function stateIn(root: string): State {
  const containers = join(root, 'containers');
  const volumes = join(root, 'volumes');
  const images = join(root, 'images');
  for (const folder of [containers, volumes, images]) fs.mkdirSync(folder, { recursive: true });
  const fileOf = (id: string): string => join(containers, `${id}.json`);
  const imageFile = (name: string): string => join(images, encodeURIComponent(name));

  const read = (file: string): FakeContainer[] => {
    try {
      return [refreshed(JSON.parse(fs.readFileSync(join(containers, file), 'utf8')) as FakeContainer)];
    } catch {
      return []; // It was removed meanwhile.
    }
  };
  const all = (): FakeContainer[] =>
    fs
      .readdirSync(containers)
      .filter((name) => name.endsWith('.json'))
      .flatMap(read);

  return {
    root,
    all,
    find: (nameOrId) => all().find(({ id, name }) => id === nameOrId || name === nameOrId),
    save(container) {
      const temporary = `${fileOf(container.id)}.${process.pid}`;
      fs.writeFileSync(temporary, JSON.stringify(container));
      fs.renameSync(temporary, fileOf(container.id));
    },
    forget: ({ id }) => fs.rmSync(fileOf(id), { force: true }),
    newVolume(destination) {
      const source = join(volumes, randomBytes(8).toString('hex'));
      fs.mkdirSync(source);
      return { source, destination, readOnly: false, anonymous: true };
    },
    logPath: ({ id }) => join(containers, `${id}.log`),
    hasImage: (name) => fs.existsSync(imageFile(name)),
    addImage: (name) => fs.writeFileSync(imageFile(name), ''),
  };
}

/** A container whose first process has died has exited. */
function refreshed(container: FakeContainer): FakeContainer {
  const { process: first, status } = container;
  if (status !== 'running' || (first !== undefined && startTicksOf(first.pid) === first.startTicks))
    return container;
  return { ...container, status: 'exited' };
}

/** When a living process started; tells it from a later one of the same number. */
export function startTicksOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZXx'.includes(fields[0] ?? '') ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
