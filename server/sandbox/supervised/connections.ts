import type { Connection } from './connection.ts';

/** One connection to each machine, shared by all who ask, also while it is being made. */
export interface Connections {
  get(name: string, open: () => Promise<Connection>): Promise<Connection>;
  /** One that was made otherwise takes the place of what there was. */
  put(name: string, connection: Connection): void;
  end(name: string): Promise<void>;
  endAll(): Promise<void>;
}

export function createConnections(): Connections {
  const known = new Map<string, Promise<Connection>>();

  const end = async (name: string): Promise<void> => {
    const current = known.get(name);
    known.delete(name);
    (await current?.catch(() => undefined))?.close();
  };
  const get: Connections['get'] = async (name, open) => {
    const shared = known.get(name);
    if (shared === undefined) {
      const opening = open();
      known.set(name, opening);
      return opening;
    }
    const current = await shared.catch(() => undefined);
    if (current !== undefined && !current.closed) return current;
    if (known.get(name) === shared) known.delete(name);
    return get(name, open);
  };

  return {
    get,
    put: (name, connection) => void known.set(name, Promise.resolve(connection)),
    end,
    async endAll() {
      await Promise.all([...known.keys()].map(end));
    },
  };
}
