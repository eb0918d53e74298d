import { Icon } from '../icon.tsx';

interface NoticeProps {
  level: 'info' | 'warning' | 'error';
  text: string;
  /** A codicon; absent: the level's own. */
  icon?: string;
  nextAction?: string | undefined;
}

/** Something that the relay has to say between the agent's steps. */
export function Notice({ level, text, icon = level, nextAction }: NoticeProps) {
  return (
    <div className={`notice notice-${level}`}>
      <Icon name={icon} />
      <span>
        {text}
        {nextAction && <> {nextAction}</>}
      </span>
    </div>
  );
}
