import type { TaskStatus } from '../server/protocol/task.ts';
import { strings } from './strings.ts';

/** A codicon. Decoration: what it means is said by a label beside it. */
export function Icon({ name, spin = false }: { name: string; spin?: boolean }) {
  return <span className={`codicon codicon-${name}${spin ? ' spin' : ''}`} aria-hidden="true" />;
}

interface IconButtonProps {
  icon: string;
  label: string;
  onClick: () => void;
  disabled?: boolean;
  /** Of what stays pressed. */
  pressed?: boolean;
  className?: string;
}

/** A button that is only a picture, so its label is required. */
export function IconButton({
  icon,
  label,
  onClick,
  disabled = false,
  pressed,
  className = '',
}: IconButtonProps) {
  return (
    <button
      type="button"
      className={`icon-button ${className}`}
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      onClick={onClick}
      disabled={disabled}
    >
      <Icon name={icon} />
    </button>
  );
}

const statusIcons: Record<TaskStatus, string> = {
  idle: 'circle-large-outline',
  running: 'loading',
  waiting: 'watch',
  asking: 'question',
  stopping: 'loading',
  completed: 'pass',
  stopped: 'circle-slash',
  failed: 'error',
  archived: 'archive',
};

export function StatusIcon({ status }: { status: TaskStatus }) {
  return (
    <span
      className={`status status-${status}`}
      role="img"
      aria-label={strings.status[status]}
      title={strings.status[status]}
    >
      <Icon name={statusIcons[status]} spin={status === 'running' || status === 'stopping'} />
    </span>
  );
}
