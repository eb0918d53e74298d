import { useEffect } from 'react';
import { Announcer } from './announcer.tsx';
import { Composer } from './composer/composer.tsx';
import { Plan } from './composer/plan.tsx';
import { Queue } from './composer/queue.tsx';
import { useSelect } from './context.ts';
import { Header } from './header.tsx';
import { ProposalCard } from './proposal/proposal-card.tsx';
import { strings } from './strings.ts';
import { TaskList } from './tasks/task-list.tsx';
import { Welcome } from './tasks/welcome.tsx';
import { Transcript } from './transcript/transcript.tsx';

/** The whole panel: a header, one of three pages, and what is pinned to the bottom. */
export function App() {
  const ready = useSelect((state) => state.ready);
  const view = useSelect((state) => state.view);
  const taskId = useSelect((state) => state.task?.taskId);
  const title = useSelect((state) => (state.view === 'task' ? state.task?.title : undefined));

  useEffect(() => {
    document.title = title ? `${title} - ${strings.product}` : strings.product;
  }, [title]);

  if (!ready) return <div className="loading">{strings.loading}</div>;
  const showsTask = view === 'task' && taskId !== undefined;
  return (
    <div className="app">
      <Header />
      {view === 'list' && <TaskList />}
      {view === 'new' && <Welcome />}
      {showsTask && <Transcript key={taskId} />}
      {view === 'task' && !showsTask && <main className="page loading">{strings.loading}</main>}
      {(view === 'new' || showsTask) && (
        <div className="dock">
          {showsTask && <Plan />}
          {showsTask && <ProposalCard key={taskId} />}
          <Queue />
          <Composer />
        </div>
      )}
      <Announcer />
    </div>
  );
}
