import { Icon } from '../icon.tsx';

interface NoticeProps {
  level: 'info' | 'warning' | 'error';
  text: string;
  nextAction?: string | undefined;
}

/** Something that the relay has to say between the agent's steps. */
export function Notice({ level, text, nextAction }: NoticeProps) {
  return (
    <div className={`notice notice-${level}`}>
      <Icon name={level} />
      <span>
        {text}
        {nextAction && <> {nextAction}</>}
      </span>
    </div>
  );
}
