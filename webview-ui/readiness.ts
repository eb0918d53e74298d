import type { FromPanel, Setup } from '../extension/chat/messages.ts';
import type { TaskStatus } from '../server/protocol/task.ts';
import { strings } from './strings.ts';

/** Why nothing can be sent now, and what the person can press about it. */
export interface Obstacle {
  /** `waiting` mends itself. */
  kind: 'waiting' | 'blocked';
  reason: string;
  actions: { label: string; message: FromPanel }[];
}

const text = strings.setup;
const retry = { label: text.retry, message: { type: 'retryConnection' } } as const;
const showLog = { label: text.showLog, message: { type: 'showLog' } } as const;
const setUpModel = { label: text.setUpModel, message: { type: 'setUpModel' } } as const;

const workspaces: Record<Exclude<Setup['workspace'], 'ready'>, { reason: string; label: string }> = {
  'no-folder': { reason: text.noFolder, label: text.openFolder },
  'no-git': { reason: text.noGit, label: text.initialise },
  untrusted: { reason: text.untrusted, label: text.trust },
};

/** @param status of the task that the message is for, or null where it makes a task, which needs a workspace */
export function obstacle(setup: Setup, status: TaskStatus | null): Obstacle | null {
  if (status === 'archived') return { kind: 'blocked', reason: text.archived, actions: [] };
  if (status === null && setup.workspace !== 'ready') {
    const { reason, label } = workspaces[setup.workspace];
    return { kind: 'blocked', reason, actions: [{ label, message: { type: 'fixWorkspace' } }] };
  }
  if (setup.relay === 'unavailable') {
    const reason = [setup.message ?? text.unavailable, setup.nextAction].filter(Boolean).join(' ');
    return { kind: 'blocked', reason, actions: [retry, showLog] };
  }
  if (setup.relay === 'starting')
    return { kind: 'waiting', reason: setup.message ?? text.starting, actions: [] };
  if (setup.relay === 'reconnecting')
    return { kind: 'waiting', reason: setup.message ?? text.reconnecting, actions: [showLog] };
  if (!setup.modelConfigured) return { kind: 'blocked', reason: text.noModel, actions: [setUpModel] };
  return null;
}
