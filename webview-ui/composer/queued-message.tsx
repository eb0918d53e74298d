import { type KeyboardEvent, useEffect, useLayoutEffect, useRef } from 'react';
import type { Failure } from '../../server/protocol/errors.ts';
import type { TaskState } from '../../server/protocol/task.ts';
import { editQueued, withdrawQueued } from '../actions.ts';
import { type Command, isUnderway } from '../commands.ts';
import { usePanel, useSelect } from '../context.ts';
import { fieldOf } from '../fields.ts';
import { Icon, IconButton } from '../icon.tsx';
import { strings } from '../strings.ts';

type Queued = TaskState['queue'][number];
const text = strings.queue;

/** A message that the agent has not read yet: it can still be changed or taken back. */
export function QueuedMessage({ queued }: { queued: Queued }) {
  const { messageId } = queued;
  const command = useSelect((state) => state.commands[messageId]);
  const typed = useSelect((state) => fieldOf(state.fields, state.task, messageId));
  // The agent has read it, and the event that says so is on its way.
  if (command?.failure?.code === 'already_delivered') return null;
  return (
    <li>
      {typed === undefined || isUnderway(command) ? (
        <Line queued={queued} command={command} />
      ) : (
        <Editor queued={queued} typed={typed} />
      )}
      {command?.failure && <NotDone kind={command.kind} failure={command.failure} />}
    </li>
  );
}

function Line({ queued, command }: { queued: Queued; command: Command | undefined }) {
  const panel = usePanel();
  const busy = isUnderway(command);
  // What the person made of it is shown at once, until the task says it too.
  const changed = command?.kind === 'edit' && command.failure === null && command.before === queued.text;
  const shown = changed ? command.text : queued.text;
  const state = !busy ? text.queued : command?.kind === 'withdraw' ? text.withdrawing : text.saving;
  const edit = () => panel.store.dispatch({ type: 'fieldEdited', id: queued.messageId, text: shown });
  return (
    <div className="queued" aria-busy={busy}>
      {busy && <Icon name="loading" spin />}
      <span className="badge">{state}</span>
      <span className="ellipsis" title={shown}>
        {shown}
      </span>
      <span className="spacer" />
      <IconButton icon="edit" label={text.edit(shown)} disabled={busy} onClick={edit} />
      <IconButton
        icon="trash"
        label={text.withdraw(shown)}
        disabled={busy}
        onClick={() => withdrawQueued(panel, { ...queued, text: shown })}
      />
    </div>
  );
}

/** Enter saves, Shift+Enter makes a line, Escape leaves the message as it was. */
function Editor({ queued, typed }: { queued: Queued; typed: string }) {
  const panel = usePanel();
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(-1, -1);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    if (field.current === null) return;
    field.current.style.height = 'auto';
    field.current.style.height = `${field.current.scrollHeight + 2}px`;
  }, [typed]);
  const focusComposer = () => panel.store.dispatch({ type: 'focusComposer' });
  const save = () => {
    editQueued(panel, queued, typed);
    focusComposer();
  };
  const cancel = () => {
    panel.store.dispatch({ type: 'fieldEdited', id: queued.messageId, text: null });
    focusComposer();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') cancel();
    else if (event.key === 'Enter' && !event.shiftKey) save();
    else return;
    event.preventDefault();
  };
  return (
    <div className="queued-editor">
      <textarea
        className="field"
        ref={field}
        rows={1}
        value={typed}
        aria-label={text.field}
        onChange={({ target }) =>
          panel.store.dispatch({ type: 'fieldEdited', id: queued.messageId, text: target.value })
        }
        onKeyDown={onKeyDown}
      />
      <IconButton icon="check" label={text.save} onClick={save} />
      <IconButton icon="close" label={text.cancel} onClick={cancel} />
    </div>
  );
}

function NotDone({ kind, failure }: { kind: Command['kind']; failure: Failure }) {
  return (
    <p className="queued-failure" role="alert">
      <Icon name="error" />
      <span>
        {kind === 'withdraw' ? text.notWithdrawn : text.notChanged} {failure.message} {failure.nextAction}
      </span>
    </p>
  );
}
