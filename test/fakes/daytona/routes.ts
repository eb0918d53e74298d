import { ApiRefusal, type SandboxDto, type SandboxRecord } from './records.ts';
import { newToken } from './transitions.ts';
import type { World } from './world.ts';

/** A request as a route sees it. */
export interface Asked {
  /** The parts of the path that the route leaves open. */
  params: string[];
  query: URLSearchParams;
  body: Record<string, unknown>;
  origin: string;
}

export type Route = (world: World, asked: Asked) => unknown | Promise<unknown>;

/** Everything that the adapter's SDK calls; a colon stands for one part of the path. */
export const ROUTES: Record<string, Route> = {
  'GET /sandbox': (world, { query }) => list(world, query),
  'POST /sandbox': async (world, { body, origin }) => (await world.create(body, `${origin}/toolbox`)).dto,
  'GET /sandbox/:': (world, { params }) => recordOf(world, params).dto,
  'DELETE /sandbox/:': async (world, { params }) => {
    const record = recordOf(world, params);
    refuseWhileChanging(record);
    await world.transitions.pass(record, 'delete', 'destroying', async () => {
      await record.machine.remove();
      world.sandboxes.delete(record.dto.id);
      return 'destroyed';
    });
    return record.dto;
  },
  'POST /sandbox/:/start': async (world, { params }) => {
    const record = recordOf(world, params);
    if (record.dto.state === 'started') return record.dto;
    refuseWhileChanging(record);
    await world.transitions.pass(
      record,
      'start',
      record.dto.state === 'archived' ? 'restoring' : 'starting',
      async () => {
        await record.machine.start();
        record.previewToken = newToken();
        return 'started';
      },
    );
    return record.dto;
  },
  'POST /sandbox/:/stop': async (world, { params }) => {
    const record = recordOf(world, params);
    if (record.dto.state === 'stopped') return record.dto;
    if (record.dto.state !== 'started') throw new ApiRefusal(400, 'Sandbox is not started');
    await world.transitions.pass(record, 'stop', 'stopping', async () => {
      await record.machine.stop();
      return 'stopped';
    });
    return record.dto;
  },
  'POST /sandbox/:/snapshot': async (world, { params, body }) => {
    const record = recordOf(world, params);
    refuseWhileChanging(record);
    await world.takeSnapshot(record, String(body.name));
    return record.dto;
  },
  'POST /sandbox/:/last-activity': (world, { params }) => {
    recordOf(world, params).dto.lastActivityAt = new Date().toISOString();
  },
  'GET /sandbox/:/ports/:/preview-url': (world, { params: [id = '', port], origin }) => {
    const { dto, previewToken } = world.sandbox(id);
    return { sandboxId: dto.id, url: `${origin}/preview/${port}-${dto.id}`, token: previewToken };
  },
  'GET /snapshots/:': (world, { params: [name = ''] }) => world.snapshot(name).dto,
  'DELETE /snapshots/:': (world, { params: [name = ''] }) => {
    world.snapshots.delete(world.snapshot(name).dto.id);
  },
  'POST /snapshots/:/activate': (world, { params: [name = ''] }) => {
    const { dto } = world.snapshot(name);
    dto.state = 'active';
    return dto;
  },
};

function recordOf(world: World, [id = '']: string[]): SandboxRecord {
  return world.sandbox(id);
}

function refuseWhileChanging({ dto }: SandboxRecord): void {
  const isSettled = ['started', 'stopped', 'archived', 'error', 'build_failed', 'unknown'].includes(
    dto.state ?? '',
  );
  if (!isSettled) throw new ApiRefusal(409, 'Sandbox state change in progress');
}

/** Pages of at most `limit`, of those that have all the labels asked for. */
function list(
  world: World,
  query: URLSearchParams,
): { items: Omit<SandboxDto, 'env'>[]; nextCursor: string | null } {
  const wanted: Record<string, string> = JSON.parse(query.get('labels') ?? '{}');
  const from = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit') ?? 2);
  const matching = [...world.sandboxes.values()]
    .map(({ dto: { env: _, ...listed } }) => listed)
    .filter(({ labels }) => Object.entries(wanted).every(([name, value]) => labels[name] === value));
  return {
    items: matching.slice(from, from + limit),
    nextCursor: from + limit < matching.length ? String(from + limit) : null,
  };
}
