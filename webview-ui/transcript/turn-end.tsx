import type { ErrorCode, Failure } from '../../server/protocol/errors.ts';
import type { TaskStatus, Turn } from '../../server/protocol/task.ts';
import { retryTurn } from '../actions.ts';
import { usePanel, useSelect } from '../context.ts';
import { count, duration, money } from '../format.ts';
import { Icon } from '../icon.tsx';
import { isTurnOpen } from '../status.ts';
import { strings } from '../strings.ts';
import { summaryOf } from '../tools/summary.ts';
import { Checks } from './checks.tsx';
import { interruptionOf } from './interruption.ts';

/** Failures that the same request meets again until the model's settings are changed. */
const needsModel: ReadonlySet<ErrorCode> = new Set(['model_not_configured', 'model_unauthorized']);
/** Failures that trying again cannot mend. */
const final: ReadonlySet<ErrorCode> = new Set(['source_not_allowed', 'source_unreadable', 'overlay_invalid']);

/** Of the calls that were cut off, so many are named. */
const NAMED = 3;

/** How a turn ended, and what was checked then; the failure of the newest one with what can be done about it. */
export function TurnEnd({ turn, last }: { turn: Turn; last: boolean }) {
  const {
    outcome = 'completed',
    startedAt,
    endedAt = startedAt,
    restedMs = 0,
    usage,
    costMicros,
    error,
    checks = [],
  } = turn;
  return (
    <div className="turn-end">
      {error && <FailureBox turnId={turn.turnId} failure={error} last={last} />}
      {outcome === 'stopped' && <Stopped turn={turn} last={last} />}
      <div className="turn-end-line">
        <span>{strings.turn[outcome](duration(endedAt - startedAt - restedMs))}</span>
        {usage?.inputTokens !== undefined && (
          <span>{strings.turn.tokens(count(usage.inputTokens), count(usage.outputTokens ?? 0))}</span>
        )}
        {costMicros !== undefined && <span>{strings.turn.cost(money(costMicros))}</span>}
        <RollBack turnId={turn.turnId} />
      </div>
      {checks.length > 0 && <Checks turnId={turn.turnId} checks={checks} last={last} />}
    </div>
  );
}

/** The way back to before the turn, while nothing is being worked on. */
function RollBack({ turnId }: { turnId: string }) {
  const { host } = usePanel();
  const taskId = useSelect((state) => state.task?.taskId);
  const isSettled = useSelect((state) => state.task !== null && isSettledStatus(state.task.status));
  if (taskId === undefined || !isSettled) return null;
  return (
    <button
      type="button"
      className="link"
      title={strings.turn.rollBackWhat}
      onClick={() => host.post({ type: 'rollBack', taskId, turnId })}
    >
      {strings.turn.rollBack}
    </button>
  );
}

const isSettledStatus = (status: TaskStatus): boolean => !isTurnOpen(status) && status !== 'archived';

/** What had been done when the person stopped it, what was cut off, and what there is of it. */
function Stopped({ turn, last }: { turn: Turn; last: boolean }) {
  const changed = useSelect((state) => state.task?.proposal?.files.length ?? 0);
  const { stepsDone, cutOff } = interruptionOf(turn);
  return (
    <div className="alert alert-info">
      <Icon name="circle-slash" />
      <div className="alert-text">
        <p>
          {strings.turn.stepsDone(stepsDone)}
          {last && <> {strings.turn.kept(changed)}</>}
        </p>
        {cutOff.length > 0 && (
          <>
            <p>{strings.turn.cutOff}</p>
            <ul className="cut-off">
              {cutOff.slice(0, NAMED).map((tool) => (
                <li key={tool.callId}>
                  <code>{`${tool.name} ${summaryOf(tool).subject}`.trim()}</code>
                </li>
              ))}
              {cutOff.length > NAMED && <li>{strings.turn.moreCutOff(cutOff.length - NAMED)}</li>}
            </ul>
          </>
        )}
      </div>
    </div>
  );
}

function FailureBox({ turnId, failure, last }: { turnId: string; failure: Failure; last: boolean }) {
  const { code, message, nextAction } = failure;
  const panel = usePanel();
  const sending = useSelect((state) => state.pending !== null);
  const failed = useSelect((state) => state.task?.status === 'failed');
  const canAct = last && failed && !final.has(code);
  return (
    <div className="alert alert-error" role={last ? 'alert' : undefined}>
      <Icon name="error" />
      <div className="alert-text">
        <strong>{message}</strong>
        {nextAction && <p>{nextAction}</p>}
        {canAct && (
          <div className="buttons">
            {needsModel.has(code) && (
              <button
                type="button"
                className="button"
                onClick={() => panel.host.post({ type: 'setUpModel' })}
              >
                {strings.setup.setUpModel}
              </button>
            )}
            <button
              type="button"
              className={needsModel.has(code) ? 'button secondary' : 'button'}
              disabled={sending}
              onClick={() => retryTurn(panel, turnId)}
            >
              {strings.turn.retry}
            </button>
          </div>
        )}
      </div>
    </div>
  );
}
