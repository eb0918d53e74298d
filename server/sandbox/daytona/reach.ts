import type { Sandbox as Machine } from '@daytonaio/sdk';
import type { SandboxError } from '../sandbox.ts';
import { type Connection, connectOver, greet, lost } from '../supervised/connection.ts';
import { askRunning, type Client } from './client.ts';
import { type Door, openDoor } from './door.ts';
import { type Equipped, equip } from './equip.ts';
import type { Kit } from './kit.ts';
import { gone, type Life } from './life.ts';
import { providerState } from './states.ts';

/** How often a door is knocked at after a machine has started: what is between may not know of it yet. */
const KNOCKS = 5;
/** Milliseconds before the second; each one after it waits twice as long. */
const FIRST_WAIT = 200;

type Places = Pick<Equipped, 'workspace' | 'scratch'>;

/** The connections to machines: one each, shared by all who work in it. */
export interface Reach {
  /** Makes sure that a running machine can be worked in, and answers where. */
  enter(machine: Machine): Promise<Places>;
  /**
   * The connection to a machine that was entered before, perhaps by another process; a new one where the last has ended. It does not
   * start a machine. @throws SandboxError `lost` where it does not run, `busy` where it cannot be reached
   */
  connection(id: string): Promise<Connection>;
  leave(id: string): void;
  close(): void;
}

interface Entered {
  door: Door;
  places: Places;
  connection: Connection;
}

/** @param patience milliseconds for a supervisor to answer */
export function createReach(client: Client, life: Life, kit: Kit, patience: number): Reach {
  const entered = new Map<string, Promise<Entered>>();

  const connectTo = async (door: Door): Promise<Connection> =>
    connectOver(await openDoor(door, patience), patience);

  /** Asks for everything anew: the machine may have been restarted, with another token, port and key. */
  const enterAnew = async (machine: Machine): Promise<Entered> => {
    const { port, key, ...places } = await equip(client, machine, kit);
    for (let knock = 1; ; knock += 1) {
      const { url, token } = await askRunning(client, 'open the sandbox', () => machine.getPreviewLink(port));
      const door = { url, token, key };
      try {
        return { door, places, connection: await connectTo(door) };
      } catch (error) {
        if (knock === KNOCKS || client.closing.aborted) throw error;
        await client.clock.sleep(FIRST_WAIT * 2 ** (knock - 1), client.closing).catch(() => {});
      }
    }
  };

  const remember = (id: string, entering: Promise<Entered>): Promise<Entered> => {
    entered.set(id, entering);
    entering.catch(() => {
      if (entered.get(id) === entering) entered.delete(id);
    });
    return entering;
  };

  /** By the door that was open before, else by way of the vendor. */
  const again = async (id: string, before: Entered | undefined): Promise<Entered> => {
    if (before !== undefined) {
      const connection = await connectTo(before.door).catch(() => undefined);
      if (connection !== undefined) return { ...before, connection };
    }
    try {
      return await enterAnew(await running(id));
    } catch (error) {
      // It may have stopped meanwhile, and then that is what to tell.
      await running(id);
      throw error;
    }
  };

  const running = async (id: string): Promise<Machine> => {
    const machine = await life.see(id);
    if (machine === undefined) throw gone();
    if (providerState(machine.state) !== 'running') throw notRunning();
    return machine;
  };

  /** Does not wait for one that is just being made: it ends as soon as it is there. */
  const leave = (id: string): void => {
    const current = entered.get(id);
    entered.delete(id);
    current?.then(
      ({ connection }) => connection.close(),
      () => {},
    );
  };

  return {
    async enter(machine) {
      const shared = entered.get(machine.id);
      const current = await shared?.catch(() => undefined);
      if (current !== undefined && (await answers(current.connection, patience))) return current.places;
      const latest = entered.get(machine.id);
      // Another caller may have begun to enter while this one was waiting.
      if (latest !== undefined && latest !== shared) return (await latest).places;
      current?.connection.close();
      return (await remember(machine.id, enterAnew(machine))).places;
    },

    async connection(id) {
      const shared = entered.get(id);
      const current = await shared?.catch(() => undefined);
      if (current !== undefined && !current.connection.closed) return current.connection;
      const latest = entered.get(id);
      if (latest !== undefined && latest !== shared) return (await latest).connection;
      return (await remember(id, again(id, current))).connection;
    },

    leave,
    close() {
      for (const id of entered.keys()) leave(id);
    },
  };
}

async function answers(connection: Connection, patience: number): Promise<boolean> {
  try {
    await greet(connection, patience);
    return true;
  } catch {
    return false;
  }
}

const notRunning = (): SandboxError => lost('The sandbox is not running');
