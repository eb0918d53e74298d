import { type KeyboardEvent, useEffect, useLayoutEffect, useRef } from 'react';
import type { TaskStatus } from '../../server/protocol/task.ts';
import { submitDraft } from '../actions.ts';
import { usePanel, useSelect } from '../context.ts';
import { Icon, IconButton } from '../icon.tsx';
import { obstacle } from '../readiness.ts';
import { currentDraft } from '../store.ts';
import { strings } from '../strings.ts';
import { Chips } from './chips.tsx';
import { SetupNotice } from './setup-notice.tsx';
import { useSlashList } from './slash-list.tsx';
import { Work } from './work.tsx';

/** The taller it gets, the less there is of the transcript; beyond this share of the window it scrolls. */
const MAX_SHARE = 0.35;

/** Where the person writes. Writing is always possible; sending where nothing is in its way, and what is, is said. */
export function Composer() {
  const panel = usePanel();
  const { store, host } = panel;
  const draft = useSelect(currentDraft);
  const setup = useSelect((state) => state.setup);
  const task = useSelect((state) => (state.view === 'task' ? state.task : null));
  const sending = useSelect((state) => state.pending !== null);
  const failure = useSelect((state) => state.failure);
  const focusRequests = useSelect((state) => state.focusRequests);
  const isPlanning = useSelect((state) => state.isPlanning);
  const field = useRef<HTMLTextAreaElement>(null);
  const slash = useSlashList(draft.text, task?.taskId ?? null);

  const status = task?.status;
  const blocked = obstacle(setup, status ?? null);
  const canSend = blocked === null && !sending && draft.text.trim() !== '';

  useEffect(() => {
    if (focusRequests > 0) field.current?.focus();
  }, [focusRequests]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => fitHeight(field.current), [draft.text]);
  useEffect(() => {
    const onResize = () => fitHeight(field.current);
    window.addEventListener('resize', onResize);
    return () => window.removeEventListener('resize', onResize);
  }, []);

  const submit = () => canSend && submitDraft(panel);
  const onKeyDown = (event: KeyboardEvent) => {
    if (slash.onKeyDown(event)) return;
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  const { placeholder, sendLabel, stoppable } = wordsFor(status);

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {blocked && <SetupNotice obstacle={blocked} />}
      {failure && (
        <div className="alert alert-error" role="alert">
          <Icon name="error" />
          <div className="alert-text">
            <strong>
              {strings.composer.notSent} {failure.message}
            </strong>
            {failure.nextAction && <p>{failure.nextAction}</p>}
          </div>
          <IconButton
            icon="close"
            label={strings.composer.dismiss}
            onClick={() => store.dispatch({ type: 'failureDismissed' })}
          />
        </div>
      )}
      <div className="composer-box">
        <Chips
          selection={draft.selection}
          onRemove={(index) => store.dispatch({ type: 'chipRemoved', index })}
        />
        {slash.list}
        <textarea
          ref={field}
          {...slash.field}
          rows={1}
          value={draft.text}
          aria-label={strings.composer.label}
          placeholder={placeholder}
          onChange={(event) => {
            if (task === null && draft.text === '') host.post({ type: 'typing' });
            store.dispatch({ type: 'draftEdited', text: event.target.value });
          }}
          onKeyDown={onKeyDown}
        />
        <div className="composer-actions">
          {task === null && setup.repository !== undefined && (
            <span className="composer-target" title={strings.welcome.repository(setup.repository)}>
              <Icon name="repo" />
              <span className="ellipsis">{setup.repository}</span>
            </span>
          )}
          {task === null && setup.work !== undefined && <Work work={setup.work} />}
          <span className="spacer" />
          <IconButton
            icon="checklist"
            label={strings.composer.plan}
            pressed={isPlanning}
            onClick={() => store.dispatch({ type: 'planToggled' })}
            className={isPlanning ? 'planning' : ''}
          />
          {task && stoppable && (
            <IconButton
              icon="debug-stop"
              label={task.status === 'stopping' ? strings.composer.stopping : strings.composer.stop}
              disabled={task.status === 'stopping'}
              onClick={() => host.post({ type: 'stop', taskId: task.taskId })}
              className="stop"
            />
          )}
          <IconButton icon="send" label={sendLabel} onClick={submit} disabled={!canSend} className="send" />
        </div>
      </div>
    </form>
  );
}

const words = strings.composer;

/** What a message is for, by how the task stands; none is the task that does not exist yet. */
function wordsFor(status: TaskStatus | undefined) {
  switch (status) {
    case undefined:
      return { placeholder: words.newPlaceholder, sendLabel: words.delegate, stoppable: false };
    case 'asking':
      return { placeholder: words.whileAsking, sendLabel: words.instead, stoppable: true };
    case 'waiting':
      return { placeholder: words.whileWaiting, sendLabel: words.queue, stoppable: true };
    case 'running':
    case 'stopping':
      return { placeholder: words.whileRunning, sendLabel: words.queue, stoppable: true };
    default:
      return { placeholder: words.followUp, sendLabel: words.send, stoppable: false };
  }
}

function fitHeight(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.height = 'auto';
  field.style.height = `${Math.min(field.scrollHeight, Math.max(80, window.innerHeight * MAX_SHARE))}px`;
}
