import type { App } from '../app.ts';
import { applyChanges } from '../commands/apply-changes.ts';
import { fixPullRequest, followPullRequest, refreshPullRequest } from '../commands/pull-request-status.ts';
import { taskActions } from '../commands/task-actions.ts';
import { unattended } from '../commands/unattended.ts';
import type { TaskAction } from './messages.ts';

/** What each of the panel's buttons about a task's result does: the same as the command of that name. */
export function taskActionsOf(app: App): { [Action in TaskAction]: (taskId: string) => Promise<unknown> } {
  return {
    apply: (taskId) => applyChanges(app)({ taskId }),
    more: (taskId) => taskActions(app)({ taskId }),
    refreshPullRequest: (taskId) => refreshPullRequest(app)({ taskId }),
    fixChecks: (taskId) => fixPullRequest(app)({ taskId, what: 'checks' }),
    fixComments: (taskId) => fixPullRequest(app)({ taskId, what: 'comments' }),
    unattended: (taskId) => unattended(app)({ taskId }),
    followPullRequest: (taskId) => followPullRequest(app)({ taskId }),
  };
}
