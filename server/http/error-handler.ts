import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Logger } from 'pino';
import { AppError, toFailure } from '../errors.ts';
import type { ErrorBody, ErrorCode } from '../protocol/errors.ts';

/** The status of each failure; what only happens inside a turn never becomes an answer, and counts as internal. */
const STATUS: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  bad_request: 400,
  overlay_invalid: 400,
  unauthorized: 401,
  token_required: 401,
  token_rejected: 401,
  forbidden_host: 403,
  forbidden_origin: 403,
  source_not_allowed: 403,
  pull_request_forbidden: 403,
  not_found: 404,
  conflict: 409,
  revision_changed: 409,
  tree_not_accepted: 409,
  nothing_accepted: 409,
  already_delivered: 409,
  question_closed: 409,
  host_away: 409,
  import_invalid: 400,
  disk_full: 507,
  push_rejected: 409,
  push_unproven: 502,
  payload_too_large: 413,
  too_large: 413,
  pull_request_rejected: 422,
  remote_missing: 422,
  remote_not_github: 422,
  source_unreadable: 422,
  github_unavailable: 502,
  not_ready: 503,
  uncommitted_conflict: 409,
  secrets_found: 409,
  workflows_need_consent: 409,
  branch_protected: 403,
  base_missing: 422,
  sso_required: 403,
  workflow_scope_missing: 403,
  signing_impossible: 422,
  update_conflict: 409,
  rollback_needs_choice: 409,
  unattended_ended: 409,
  remote_unreachable: 502,
  model_not_configured: 503,
  sandbox_unavailable: 503,
};

/** Every failure in the one shape, with a request id that the log has too. */
export function errorHandler(logger: Logger) {
  return (thrown: Error, context: Context): Response => {
    const requestId = requestIdOf(context);
    const error = fromHono(thrown);
    const failure = toFailure(error);
    const status = STATUS[failure.code] ?? 500;
    if (status === 500) logger.error({ requestId, err: thrown }, 'request failed unexpectedly');
    return context.json({ ...failure, requestId } satisfies ErrorBody, status);
  };
}

export const requestIdOf = (context: Context): string => context.get('requestId') ?? 'unknown';

/** Hono's own refusals: a body that is not JSON, or too large. */
function fromHono(thrown: Error): unknown {
  if (!(thrown instanceof HTTPException)) return thrown;
  if (thrown.status === 413) return new AppError('payload_too_large', 'The request is too large.');
  return new AppError('bad_request', thrown.message || 'The request could not be read.', {
    nextAction: 'Send JSON with “content-type: application/json”; see /v1/openapi.json.',
  });
}
