import { useSelect } from './context.ts';

/** What a screen reader hears of the task; see announcements.ts for what is said. */
export function Announcer() {
  const announced = useSelect((state) => state.announced);
  return (
    <div className="visually-hidden" role="log" aria-live="polite" aria-relevant="additions">
      {announced.map(({ id, text }) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}
