import { useEffect, useState } from 'react';
import { useSelect } from '../context.ts';
import { wholeSeconds } from '../format.ts';
import { strings } from '../strings.ts';

/** The end of a transcript that goes on: what is being done, and for how long. */
export function Working({ startedAt }: { startedAt: number }) {
  const stopping = useSelect((state) => state.task?.status === 'stopping');
  const sandbox = useSelect((state) => state.task?.sandbox?.state);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const elapsed = now - startedAt;
  const waitsForSandbox = sandbox === 'provisioning' || sandbox === 'hibernated';
  return (
    <div className="working">
      <span className="working-dot" aria-hidden="true" />
      {stopping
        ? strings.transcript.stopping
        : waitsForSandbox
          ? strings.sandbox[sandbox]
          : strings.transcript.working}
      {elapsed >= 1000 && <span className="dim">{wholeSeconds(elapsed)}</span>}
    </div>
  );
}
