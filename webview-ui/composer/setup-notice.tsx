import { usePanel } from '../context.ts';
import { Icon } from '../icon.tsx';
import type { Obstacle } from '../readiness.ts';

/** What is in the way of sending, with the buttons that take it away. */
export function SetupNotice({ obstacle: { kind, reason, actions } }: { obstacle: Obstacle }) {
  const { host } = usePanel();
  return (
    <div className={`alert ${kind === 'waiting' ? 'alert-info' : 'alert-warning'}`} role="status">
      <Icon name={kind === 'waiting' ? 'loading' : 'warning'} spin={kind === 'waiting'} />
      <div className="alert-text">
        <span>{reason}</span>
        {actions.length > 0 && (
          <div className="buttons">
            {actions.map(({ label, message }, index) => (
              <button
                key={label}
                type="button"
                className={index === 0 && kind === 'blocked' ? 'button' : 'button secondary'}
                onClick={() => host.post(message)}
              >
                {label}
              </button>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}
