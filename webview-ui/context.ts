import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Host } from './host.ts';
import type { PanelState, Store } from './store.ts';

/** What every component may use: the one store, and the extension. */
export interface Panel {
  store: Store;
  host: Host;
}

const PanelContext = createContext<Panel | null>(null);
export const PanelProvider = PanelContext.Provider;

export function usePanel(): Panel {
  const panel = useContext(PanelContext);
  if (panel === null) throw new Error('a component of the panel was rendered outside PanelProvider');
  return panel;
}

/** A part of the state. `select` must give the same object where nothing changed, or the component renders for ever. */
export function useSelect<Part>(select: (state: PanelState) => Part): Part {
  const { store } = usePanel();
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
