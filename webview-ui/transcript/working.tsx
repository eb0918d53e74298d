import type { Failure } from '../../server/protocol/errors.ts';
import { useSelect } from '../context.ts';
import { wholeSeconds } from '../format.ts';
import { strings } from '../strings.ts';
import { useNow } from '../use-now.ts';
import { Notice } from './notice.tsx';

interface WorkingProps {
  startedAt: number;
  waiting: Failure | undefined;
}

/** The end of a transcript that goes on: what is being done, and for how long; or why nothing is done now. */
export function Working({ startedAt, waiting }: WorkingProps) {
  const stopping = useSelect((state) => state.task?.status === 'stopping');
  const sandbox = useSelect((state) => state.task?.sandbox?.state);
  const now = useNow(true);
  if (waiting && !stopping)
    return <Notice level="info" icon="watch" text={waiting.message} nextAction={waiting.nextAction} />;
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
