import './theme.css';
import './controls.css';
import './header.css';
import './transcript/transcript.css';
import './transcript/markdown.css';
import './transcript/question.css';
import './tools/tools.css';
import './agents/agents.css';
import './composer/dock.css';
import './composer/composer.css';
import './tasks/tasks.css';
import { createRoot } from 'react-dom/client';
import { postPending } from './actions.ts';
import { App } from './app.tsx';
import { type Panel, PanelProvider } from './context.ts';
import { connectHost } from './host.ts';
import { createStore, initialState, type PanelState } from './store.ts';

const host = connectHost();
const saved = host.saved();
const store = createStore(
  {
    ...initialState,
    drafts: saved.drafts,
    fields: saved.fields,
    pending: saved.pending,
    openTools: new Set(saved.openTools),
  },
  (run) => requestAnimationFrame(run),
);
const panel: Panel = { store, host };

host.listen(store.dispatch);
saveOnChange();
const root = document.getElementById('root');
if (root === null) throw new Error('the page has no #root');
createRoot(root).render(
  <PanelProvider value={panel}>
    <App />
  </PanelProvider>,
);
host.post({ type: 'ready', taskId: saved.taskId });
if (saved.pending) postPending(panel, saved.pending);

/** VS Code throws the page away when the panel is hidden, without a word: what must survive is saved as it changes. */
function saveOnChange(): void {
  let before: PanelState = store.get();
  store.subscribe(() => {
    const { task, drafts, fields, pending, openTools } = store.get();
    const moved = task?.taskId !== before.task?.taskId && store.get().ready;
    const typed = drafts !== before.drafts || fields !== before.fields;
    if (moved || typed || pending !== before.pending || openTools !== before.openTools) {
      host.save({ taskId: task?.taskId ?? null, drafts, fields, pending, openTools: [...openTools] });
    }
    before = store.get();
  });
}
