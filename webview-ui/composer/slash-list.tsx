import { type KeyboardEvent, useEffect, useState } from 'react';
import type { SlashCommandInfo } from '../../server/protocol/slash-commands.ts';
import { usePanel, useSelect } from '../context.ts';
import { strings } from '../strings.ts';

/** Entries that are shown at once: typing on leads to the others. */
const MOST_SHOWN = 8;

const LIST = 'slash-commands';
const optionId = (index: number) => `${LIST}-${index}`;

/** What may follow the `/` that a message begins with. The focus stays in the field, whose keys the list takes while it is open. */
export function useSlashList(text: string, taskId: string | null) {
  const { host, store } = usePanel();
  const known = useSelect((state) => state.slash);
  const [index, setIndex] = useState(0);
  /** The text at which the person put the list away. */
  const [closedAt, setClosedAt] = useState<string | null>(null);
  const typed = /^\/[\w:.-]*$/.test(text) ? text.slice(1).toLowerCase() : null;
  const isTyping = typed !== null;

  useEffect(() => {
    if (isTyping) host.post({ type: 'commands', taskId });
  }, [isTyping, taskId, host]);

  const all = isTyping && known?.taskId === taskId && closedAt !== text ? known.commands : [];
  const shown = all.filter(({ name }) => name.toLowerCase().startsWith(typed ?? '')).slice(0, MOST_SHOWN);
  const current = Math.min(index, shown.length - 1);

  const pick = ({ name }: SlashCommandInfo) => {
    setIndex(0);
    store.dispatch({ type: 'draftEdited', text: `/${name} ` });
  };

  /** Whether the list took the key. */
  const onKeyDown = (event: KeyboardEvent): boolean => {
    const chosen = shown[current];
    if (chosen === undefined || event.nativeEvent.isComposing) return false;
    if (event.key === 'ArrowDown') setIndex((current + 1) % shown.length);
    else if (event.key === 'ArrowUp') setIndex((current + shown.length - 1) % shown.length);
    else if (event.key === 'Escape') setClosedAt(text);
    else if (event.key === 'Tab' && !event.shiftKey) pick(chosen);
    // A name that is typed whole is sent, as it stands.
    else if (event.key === 'Enter' && !event.shiftKey && chosen.name !== typed) pick(chosen);
    else return false;
    event.preventDefault();
    return true;
  };

  const list =
    shown.length === 0 ? null : (
      <div className="slash-list" id={LIST} role="listbox" aria-label={strings.composer.commands}>
        {shown.map((command, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus, and takes the keys
          // biome-ignore lint/a11y/useFocusableInteractive: the field has the focus, and names the active one
          <div
            key={command.name}
            id={optionId(at)}
            role="option"
            aria-selected={at === current}
            className="slash-option"
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(command)}
          >
            <strong>/{command.name}</strong> <span className="slash-description">{command.description}</span>
          </div>
        ))}
      </div>
    );
  const field =
    list === null
      ? {}
      : {
          'aria-autocomplete': 'list' as const,
          'aria-controls': LIST,
          'aria-activedescendant': optionId(current),
        };
  return { list, field, onKeyDown };
}
