import assert from 'node:assert/strict';
import type { Setup } from '../../../extension/chat/messages.ts';
import type { Failure } from '../../../server/protocol/errors.ts';
import { obstacle } from '../../../webview-ui/readiness.ts';
import {
  type Action,
  createStore,
  currentDraft,
  initialState,
  type PanelState,
  panelReducer,
} from '../../../webview-ui/store.ts';
import { connected, finished, log, snapshot, TASK_ID, taskOf } from '../../webview/story.ts';

const stateAfter = (...actions: Action[]): PanelState => actions.reduce(panelReducer, initialState);
const pending = { clientId: 'client-1', taskId: TASK_ID, text: 'Do it', selection: [{ path: 'a.ts' }] };
const failure: Failure = { code: 'not_ready', message: 'The relay is starting.' };
const all = log(finished);

describe('the panel’s state', () => {
  it('is the same by events as by a snapshot', () => {
    const streamed = stateAfter(snapshot(finished.slice(0, 5)), {
      type: 'events',
      taskId: TASK_ID,
      events: all.slice(5),
    });
    assert.deepEqual(streamed.task, taskOf(all));
  });

  it('ignores events that it has seen, and those of a task that is not shown', () => {
    const shown = stateAfter(snapshot(finished));
    assert.deepEqual(panelReducer(shown, { type: 'events', taskId: TASK_ID, events: all }).task, shown.task);
    assert.equal(panelReducer(shown, { type: 'events', taskId: 'other', events: all }), shown);
  });

  it('refuses a gap, which would be a mistake of the extension', () => {
    assert.throws(
      () =>
        stateAfter(snapshot(finished.slice(0, 3)), { type: 'events', taskId: TASK_ID, events: all.slice(4) }),
      {
        name: 'RangeError',
        message: 'event 5 after 3: one is missing',
      },
    );
  });

  it('keeps a draft for each task', () => {
    const state = stateAfter(
      snapshot(null),
      { type: 'draftEdited', text: 'a new task' },
      snapshot(finished),
      {
        type: 'draftEdited',
        text: 'a follow-up',
      },
    );
    assert.deepEqual(state.drafts, {
      new: { text: 'a new task', selection: [] },
      [TASK_ID]: { text: 'a follow-up', selection: [] },
    });
    assert.equal(currentDraft(panelReducer(state, snapshot(null))).text, 'a new task');
  });

  it('leaves what was typed alone unless a snapshot brings a draft', () => {
    const typed = stateAfter(snapshot(null), { type: 'draftEdited', text: 'typed' });
    assert.equal(currentDraft(panelReducer(typed, snapshot(null))).text, 'typed');
    const draft = { text: 'given', selection: [] };
    assert.deepEqual(currentDraft(panelReducer(typed, snapshot(null, { draft }))), draft);
  });

  it('attaches a selection once, opens the composer for it, and removes it', () => {
    const selection = { path: 'src/a.ts', startLine: 3, endLine: 9 };
    const attached = stateAfter(
      snapshot(null, { view: 'list' }),
      { type: 'attach', selection },
      { type: 'attach', selection },
      { type: 'attach', selection: { path: 'src/a.ts' } },
    );
    assert.deepEqual([attached.view, attached.focusRequests], ['new', 3]);
    assert.deepEqual(currentDraft(attached).selection, [selection, { path: 'src/a.ts' }]);
    const removed = panelReducer(attached, { type: 'chipRemoved', index: 0 });
    assert.deepEqual(currentDraft(removed).selection, [{ path: 'src/a.ts' }]);
  });

  it('puts what is given back before what was typed in that task since', () => {
    const draft = { text: 'said before', selection: [{ path: 'a.ts' }] };
    const back: Action = { type: 'putBack', taskId: TASK_ID, draft };
    assert.deepEqual(stateAfter(snapshot(finished), back).drafts, { [TASK_ID]: draft });
    const typed = stateAfter(snapshot(finished), { type: 'draftEdited', text: 'typed' }, back);
    assert.deepEqual(typed.drafts, {
      [TASK_ID]: { text: 'said before\n\ntyped', selection: [{ path: 'a.ts' }] },
    });
    assert.deepEqual(stateAfter(snapshot(null), back).drafts, { [TASK_ID]: draft });
  });

  it('clears the draft while a message is on its way, and when it was taken', () => {
    const sent = stateAfter(
      snapshot(finished),
      { type: 'draftEdited', text: 'Do it' },
      { type: 'submitted', pending },
    );
    assert.deepEqual([sent.pending, currentDraft(sent)], [pending, { text: '', selection: [] }]);
    const taken = panelReducer(sent, { type: 'settled', clientId: 'client-1', failure: null });
    assert.deepEqual([taken.pending, taken.failure, currentDraft(taken).text], [null, null, '']);
  });

  it('gives a refused message back, before what was typed since', () => {
    const refused = stateAfter(
      snapshot(finished),
      { type: 'submitted', pending },
      { type: 'draftEdited', text: 'And this' },
      { type: 'settled', clientId: 'client-1', failure },
    );
    assert.deepEqual([refused.pending, refused.failure], [null, failure]);
    assert.deepEqual(currentDraft(refused), { text: 'Do it\n\nAnd this', selection: [{ path: 'a.ts' }] });
  });

  it('does not take the end of another command for its own', () => {
    const sent = stateAfter(snapshot(finished), { type: 'submitted', pending });
    assert.equal(panelReducer(sent, { type: 'settled', clientId: 'client-2', failure }), sent);
  });

  it('opens and closes a tool call', () => {
    const opened = stateAfter({ type: 'toolToggled', callId: 'c1' });
    const closed = panelReducer(opened, { type: 'toolToggled', callId: 'c1' });
    assert.deepEqual([[...opened.openTools], [...closed.openTools]], [['c1'], []]);
  });
});

describe('the panel’s store', () => {
  it('renders a stream of events once a frame, and everything else at once', () => {
    const frames: (() => void)[] = [];
    const store = createStore(stateAfter(snapshot(finished.slice(0, 2))), (run) => frames.push(run));
    let heard = 0;
    store.subscribe(() => heard++);
    store.dispatch({ type: 'events', taskId: TASK_ID, events: all.slice(2, 4) });
    store.dispatch({ type: 'events', taskId: TASK_ID, events: all.slice(4, 6) });
    assert.deepEqual([heard, frames.length, store.get().task?.seq], [0, 1, 6]);
    frames[0]?.();
    assert.equal(heard, 1);
    store.dispatch({ type: 'draftEdited', text: 'x' });
    assert.equal(heard, 2);
  });

  it('does not render a frame’s events again that were rendered meanwhile', () => {
    const frames: (() => void)[] = [];
    const store = createStore(stateAfter(snapshot(finished.slice(0, 2))), (run) => frames.push(run));
    let heard = 0;
    store.subscribe(() => heard++);
    store.dispatch({ type: 'events', taskId: TASK_ID, events: all.slice(2, 4) });
    store.dispatch({ type: 'draftEdited', text: 'x' });
    for (const run of frames) run();
    assert.equal(heard, 1);
  });
});

describe('what is in the way of sending', () => {
  const reasons = (setup: Partial<Setup>, status: Parameters<typeof obstacle>[1] = null) => {
    const found = obstacle({ ...connected, ...setup }, status);
    return found && [found.reason, ...found.actions.map(({ label }) => label)];
  };

  it('is nothing where all is in place', () => {
    assert.equal(reasons({}), null);
  });

  it('is the workspace, for a new task only', () => {
    assert.deepEqual(reasons({ workspace: 'no-git' }), [
      'This folder is not a Git repository.',
      'Initialize repository',
    ]);
    assert.equal(reasons({ workspace: 'no-git' }, 'completed'), null);
  });

  it('is the relay, with its own words about it', () => {
    assert.deepEqual(
      reasons({ relay: 'unavailable', message: 'Port 7420 is taken.', nextAction: 'Free it.' }),
      ['Port 7420 is taken. Free it.', 'Retry', 'Show log'],
    );
    assert.deepEqual(reasons({ relay: 'starting' }), ['Starting the relay…']);
  });

  it('is the model, and the end of a task', () => {
    assert.deepEqual(reasons({ modelConfigured: false }), ['No model is set up yet.', 'Set up a model']);
    assert.deepEqual(reasons({}, 'archived'), ['This task is archived.']);
  });
});
