import type { Selection } from '../../server/protocol/commands.ts';
import type { SlashCommandInfo } from '../../server/protocol/slash-commands.ts';
import type { TaskStore } from '../relay/task-store.ts';
import type { Draft, PanelView, ToPanel } from './messages.ts';
import type { SetupWatch } from './setup.ts';

export interface PanelDeps {
  store: TaskStore;
  setup: SetupWatch;
  /** Delivers to the webview; only called between `connect` and `disconnect`. */
  post: (message: ToPanel) => void;
  /** The person looks at this task now. */
  onShown: (taskId: string) => void;
}

export type Panel = ReturnType<typeof createPanel>;

/**
 * What the chat panel shows: the truth is here, the webview is told. It may be gone at any time (a hidden view has no
 * page), so nothing is sent while it is not connected, and a complete snapshot goes first when it is.
 */
export function createPanel({ store, setup, post, onShown }: PanelDeps) {
  let connected = false;
  let view: PanelView | undefined;
  let taskId: string | null = null;
  let draft: Draft | undefined;
  /** For a composer that is not there yet. */
  let waiting: ToPanel[] = [];

  function send(message: ToPanel): void {
    if (connected) post(message);
  }

  function snapshot(): void {
    if (!connected) return;
    const task = view === 'task' && taskId !== null ? (store.state(taskId) ?? null) : null;
    const base = {
      type: 'snapshot' as const,
      view: view ?? 'new',
      task,
      tasks: store.tasks(),
      setup: setup.current(),
    };
    post(draft ? { ...base, draft } : base);
    draft = undefined;
    for (const message of waiting) post(message);
    waiting = [];
  }

  function whenConnected(message: ToPanel): void {
    if (connected) post(message);
    else waiting.push(message);
  }

  /** Shows a task's chat. Rejects where the relay does not have it; the list is shown then. */
  async function showTask(id: string): Promise<void> {
    view = 'task';
    taskId = id;
    onShown(id);
    snapshot();
    try {
      await store.pin(id);
    } catch (error) {
      if (taskId === id) showList();
      throw error;
    }
    if (taskId === id) snapshot();
  }

  function leaveTask(next: PanelView): void {
    view = next;
    taskId = null;
    store.unpin();
    snapshot();
  }

  function showList(): void {
    leaveTask('list');
  }

  store.events.on('change', (change) => {
    if (view === 'task' && change.taskId === taskId) {
      send({ type: 'events', taskId: change.taskId, events: change.events });
      onShown(change.taskId);
    }
  });
  store.events.on('opened', (state) => {
    if (state.taskId === taskId) snapshot();
  });
  store.events.on('tasks', (tasks) => send({ type: 'tasks', tasks }));
  setup.events.on('setup', (now) => send({ type: 'setup', setup: now }));

  return {
    /** Whether the person has this task's chat on screen. */
    shows: (id: string): boolean => connected && view === 'task' && taskId === id,

    /** Which task is shown, if any. */
    taskId: () => (view === 'task' ? taskId : null),
    view: () => view,
    showTask,
    showList,

    /** The page listens; `lastTaskId` is what it showed before, which counts until something else was chosen. */
    async connect(lastTaskId: string | null): Promise<void> {
      connected = true;
      if (view === undefined && lastTaskId !== null) return showTask(lastTaskId);
      view ??= store.tasks().length > 0 ? 'list' : 'new';
      snapshot();
    },

    disconnect(): void {
      connected = false;
    },

    newTask(text?: Draft): void {
      draft = text;
      leaveTask('new');
    },

    /** Puts files, or lines of them, into the composer of a new task. */
    attach(selections: Selection[]): void {
      if (view !== 'new') this.newTask();
      for (const selection of selections) whenConnected({ type: 'attach', selection });
      whenConnected({ type: 'focusComposer' });
    },

    /** Puts what was said in a task into its composer, once its chat is shown. */
    putBack(id: string, text: Draft): void {
      whenConnected({ type: 'putBack', taskId: id, draft: text });
      whenConnected({ type: 'focusComposer' });
    },

    /** What a message may begin with. */
    commands(of: string | null, commands: SlashCommandInfo[]): void {
      send({ type: 'commands', taskId: of, commands });
    },

    settled(clientId: string, failure: Extract<ToPanel, { type: 'settled' }>['failure']): void {
      send({ type: 'settled', clientId, failure });
    },
  };
}
