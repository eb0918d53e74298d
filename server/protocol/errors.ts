import * as z from 'zod';

/**
 * Every failure that crosses a boundary. The code is the contract (never match on `message`);
 * `nextAction` is the sentence that tells a person what to do about it.
 */
export const errorCodes = [
  'bad_request',
  'unauthorized',
  'forbidden_host',
  'forbidden_origin',
  'not_found',
  'conflict',
  'payload_too_large',
  'not_ready',
  'internal',
  'incompatible_client',
  'model_not_configured',
  'model_unauthorized',
  'model_rejected',
  'model_unavailable',
  'model_cut_off',
  'model_refused',
  'spend_held',
  'step_limit',
  'stuck',
  'context_too_long',
  'agent_timed_out',
  'agent_over_budget',
  'agent_result_invalid',
  'sandbox_unavailable',
  'sandbox_lost',
  'files_refused',
  'source_not_allowed',
  'source_unreadable',
  'overlay_invalid',
  'too_large',
  'path_outside_workspace',
  'revision_changed',
  'tree_not_accepted',
  'nothing_accepted',
  'token_required',
  'token_rejected',
  'remote_missing',
  'remote_not_github',
  'push_rejected',
  'push_unproven',
  'pull_request_forbidden',
  'pull_request_rejected',
  'github_unavailable',
  'interrupted',
  'no_slot',
  'host_away',
  'disk_full',
  'already_delivered',
  'question_closed',
  'import_invalid',
  'remote_unreachable',
  'uncommitted_conflict',
  'secrets_found',
  'workflows_need_consent',
  'branch_protected',
  'base_missing',
  'sso_required',
  'workflow_scope_missing',
  'signing_impossible',
  'update_conflict',
  'rollback_needs_choice',
  'unattended_ended',
] as const;

export const ErrorCode = z.enum(errorCodes);
export type ErrorCode = z.infer<typeof ErrorCode>;

/** A failure as an event carries it. */
export const Failure = z.object({
  code: ErrorCode,
  message: z.string(),
  nextAction: z.string().optional(),
});
export type Failure = z.infer<typeof Failure>;

/** A failure as the relay's HTTP API answers it. */
export const ErrorBody = Failure.extend({ requestId: z.string() });
export type ErrorBody = z.infer<typeof ErrorBody>;
