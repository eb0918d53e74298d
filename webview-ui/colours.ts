import { useEffect, useMemo, useSyncExternalStore } from 'react';

type Highlight = typeof import('./highlight.ts').highlight;

/** A bundle of its own beside ours, loaded with the first code that is shown: the panel opens without it. */
const BUNDLE = './highlight.mjs';

let highlight: Highlight | undefined;
let asked = false;
const listeners = new Set<() => void>();

/** Once; code stays plain where it cannot be had. */
async function load(): Promise<void> {
  if (asked) return;
  asked = true;
  const loaded: { highlight: Highlight } | undefined = await import(BUNDLE).catch(() => undefined);
  highlight = loaded?.highlight;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * The code as HTML with `hljs-*` classes; null where it is shown plain.
 * @param wanted whether it is to be coloured at all; the colours are fetched then
 */
export function useColours(code: string, language: string, wanted: boolean): string | null {
  const colour = useSyncExternalStore(subscribe, () => highlight);
  useEffect(() => {
    if (wanted && language !== '') void load();
  }, [wanted, language]);
  return useMemo(() => (wanted && colour ? colour(code, language) : null), [colour, code, language, wanted]);
}

/** The language of a file by its name's ending, as `highlight` understands it. */
export function languageOf(path: string): string {
  return /\.([^./]+)$/.exec(path)?.[1] ?? '';
}
