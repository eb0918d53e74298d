import type { Draft, FromPanel, ToPanel } from '../extension/chat/messages.ts';
import type { Fields } from './fields.ts';
import type { Pending } from './store.ts';

/** What survives the panel being hidden: VS Code keeps it, and throws the page away. */
export interface Saved {
  taskId: string | null;
  /** The transcript's first visible row and how far it is scrolled into, in pixels; null follows the tail. */
  scrollAnchor: { row: string; offset: number } | null;
  /** By task, `new` for the task that does not exist yet. */
  drafts: Record<string, Draft>;
  /** What is being typed at questions and into queued messages. */
  fields: Fields;
  pending: Pending | null;
  /** Keys of the tool calls that are opened. */
  openTools: string[];
}

/** The extension, as the panel sees it. */
export interface Host {
  post(message: FromPanel): void;
  /** What has been saved, by this page or by one that was thrown away. */
  saved(): Saved;
  save(change: Partial<Saved>): void;
  listen(onMessage: (message: ToPanel) => void): void;
}

/** What VS Code injects into every webview; it may be called once a page. */
interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

const nothingSaved: Saved = {
  taskId: null,
  scrollAnchor: null,
  drafts: {},
  fields: {},
  pending: null,
  openTools: [],
};

/** The only place that talks to VS Code. Its messages are trusted: nothing else can post into a webview's page. */
export function connectHost(): Host {
  const api = acquireVsCodeApi();
  let state: Saved = { ...nothingSaved, ...(api.getState() as Partial<Saved> | undefined) };
  return {
    saved: () => state,
    post: (message) => api.postMessage(message),
    save(change) {
      state = { ...state, ...change };
      api.setState(state);
    },
    listen(onMessage) {
      window.addEventListener('message', (event: MessageEvent<ToPanel>) => onMessage(event.data));
    },
  };
}
