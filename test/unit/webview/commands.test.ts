import assert from 'node:assert/strict';
import type { NewEvent } from '../../../server/protocol/events.ts';
import { type Command, isUnderway } from '../../../webview-ui/commands.ts';
import { fieldOf } from '../../../webview-ui/fields.ts';
import {
  type Action,
  currentDraft,
  initialState,
  type PanelState,
  panelReducer,
} from '../../../webview-ui/store.ts';
import { asking, queued } from '../../webview/durable-story.ts';
import { finished, log, snapshot, TASK_ID, taskOf } from '../../webview/story.ts';

const stateAfter = (...actions: Action[]): PanelState => actions.reduce(panelReducer, initialState);
const head = { clientId: 'client-1', taskId: TASK_ID, taken: false, failure: null };
const answer: Command = {
  ...{ ...head, kind: 'answer', subject: 'q1' },
  answer: { kind: 'choice', label: 'Convert them' },
};
const edit: Command = {
  ...head,
  kind: 'edit',
  subject: 'm2',
  text: 'New',
  before: 'Also the discount codes',
};
const withdraw: Command = { ...head, kind: 'withdraw', subject: 'm2', text: 'Also the discount codes' };
const settled = (code?: 'already_delivered' | 'not_ready'): Action => ({
  type: 'settled',
  clientId: 'client-1',
  failure: code === undefined ? null : { code, message: 'No.' },
});
const later = (before: NewEvent[], ...events: NewEvent[]): Action => ({
  type: 'events',
  taskId: TASK_ID,
  events: log([...before, ...events]).slice(before.length),
});
const delivered = {
  ...{ type: 'message.delivered' as const, turnId: 'turn-1', messageId: 'm2' },
  text: 'Also the discount codes',
};
const typed = (state: PanelState, id = 'm2') => fieldOf(state.fields, state.task, id);

describe('what the person did to a thing of a task', () => {
  it('is underway until the task shows it: an answer', () => {
    const events = asking;
    const sent = stateAfter(snapshot(events), { type: 'commanded', command: answer });
    const taken = panelReducer(sent, settled());
    const shown = panelReducer(
      taken,
      later(events, {
        ...{ type: 'question.answered', turnId: 'turn-1', questionId: 'q1' },
        answer: { kind: 'choice', label: 'Convert them' },
      }),
    );
    assert.deepEqual(
      [sent, taken, shown].map(({ commands }) => isUnderway(commands['q1'])),
      [true, true, false],
    );
    assert.deepEqual(shown.commands, {});
  });

  it('is over in whichever order the relay’s answer and the event come', () => {
    const sent = stateAfter(snapshot(queued), { type: 'commanded', command: edit });
    const event = later(queued, { type: 'message.edited', messageId: 'm2', text: 'New' });
    assert.deepEqual(panelReducer(panelReducer(sent, settled()), event).commands, {});
    assert.deepEqual(panelReducer(panelReducer(sent, event), settled()).commands, {});
  });

  it('is over, too, where a snapshot shows it', () => {
    const taken = stateAfter(snapshot(asking), { type: 'commanded', command: answer }, settled());
    const after = panelReducer(
      taken,
      snapshot([
        ...asking,
        { type: 'question.answered', turnId: 'turn-1', questionId: 'q1', answer: { kind: 'dismissed' } },
      ]),
    );
    assert.deepEqual(after.commands, {});
  });

  it('may be done again after it failed', () => {
    const failed = stateAfter(snapshot(asking), { type: 'commanded', command: answer }, settled('not_ready'));
    assert.deepEqual(failed.commands['q1'], { ...answer, failure: { code: 'not_ready', message: 'No.' } });
    assert.equal(isUnderway(failed.commands['q1']), false);
  });

  it('keeps the words of an answer until the relay has them', () => {
    const words: Command = {
      ...{ ...head, kind: 'answer', subject: 'q1' },
      answer: { kind: 'text', text: 'Hm' },
    };
    const sent = stateAfter(
      snapshot(asking),
      { type: 'fieldEdited', id: 'q1', text: 'Hm' },
      { type: 'commanded', command: words },
    );
    assert.deepEqual([typed(sent, 'q1'), typed(panelReducer(sent, settled()), 'q1')], ['Hm', undefined]);
  });

  it('does not give a withdrawn text to the composer of another task', () => {
    const sent = stateAfter(snapshot(queued), { type: 'commanded', command: withdraw });
    const elsewhere = stateAfter(snapshot(null));
    const state = panelReducer({ ...elsewhere, commands: sent.commands }, settled());
    assert.deepEqual(
      [currentDraft(state).text, state.drafts[TASK_ID]?.text, state.focusRequests],
      ['', withdraw.text, 0],
    );
  });

  it('is not mistaken for another command', () => {
    const sent = stateAfter(snapshot(queued), { type: 'commanded', command: edit });
    assert.equal(panelReducer(sent, { type: 'settled', clientId: 'client-2', failure: null }), sent);
  });
});

describe('a changed queued message that is being saved', () => {
  const sent = stateAfter(snapshot(queued), { type: 'commanded', command: edit });

  it('keeps its words until the relay has them, so that a hidden panel does not lose them', () => {
    const taken = panelReducer(sent, settled());
    assert.deepEqual([typed(sent), typed(taken)], ['New', undefined]);
    const reloaded = panelReducer({ ...initialState, fields: sent.fields }, snapshot(queued));
    assert.equal(typed(reloaded), 'New');
  });

  it('leaves no field behind where the agent read the new words while the panel was hidden', () => {
    const read: NewEvent[] = [
      { type: 'message.edited', messageId: 'm2', text: 'New' },
      { ...delivered, text: 'New' },
    ];
    const reloaded = panelReducer({ ...initialState, fields: sent.fields }, snapshot([...queued, ...read]));
    assert.deepEqual([reloaded.fields, currentDraft(reloaded).text], [{}, '']);
  });

  it('gives its words to the composer once, where it was read before the relay said so', () => {
    const read = panelReducer(sent, later(queued, delivered));
    assert.deepEqual([currentDraft(read).text, typed(read)], ['', 'New']);
    for (const code of ['already_delivered', 'not_ready'] as const) {
      const refused = panelReducer(read, settled(code));
      assert.deepEqual([refused.fields, currentDraft(refused).text], [{}, 'New'], code);
    }
  });

  it('is written no more where it was taken and then read', () => {
    const read = panelReducer(sent, later(queued, { ...delivered, text: 'New' }));
    const taken = panelReducer(read, settled());
    assert.deepEqual([taken.fields, currentDraft(taken).text, taken.commands], [{}, '', {}]);
  });
});

describe('what is being written into a queued message', () => {
  const open: Action = { type: 'fieldEdited', id: 'm2', text: 'Also the vou' };

  it('goes to the composer when the agent reads the message, and it is said why', () => {
    const state = stateAfter(snapshot(queued), open, later(queued, delivered));
    assert.deepEqual([typed(state), currentDraft(state).text], [undefined, 'Also the vou']);
    assert.equal(state.queueNotice?.message, 'The agent has read this message meanwhile.');
  });

  it('also where the panel was hidden meanwhile', () => {
    const { fields } = stateAfter(snapshot(queued), open);
    const state = panelReducer({ ...initialState, fields }, snapshot([...queued, delivered]));
    assert.deepEqual([state.fields, currentDraft(state).text], [{}, 'Also the vou']);
  });

  it('is dropped where it is what the agent has read', () => {
    const same: Action = { ...open, text: 'Also the discount codes ' };
    const state = stateAfter(snapshot(queued), same, later(queued, delivered));
    assert.deepEqual([state.fields, currentDraft(state).text, state.queueNotice], [{}, '', null]);
  });

  it('goes to the composer without a word where the message was withdrawn', () => {
    const state = stateAfter(
      snapshot(queued),
      open,
      later(queued, { type: 'message.withdrawn', messageId: 'm2' }),
    );
    assert.deepEqual([state.fields, currentDraft(state).text, state.queueNotice], [{}, 'Also the vou', null]);
  });

  it('stays while other tasks and pages are looked at', () => {
    const other = taskOf(log(finished), 'task-2');
    const away = stateAfter(snapshot(queued), open, snapshot(null, { view: 'task', task: other }));
    const back = [snapshot(null, { view: 'list' }), snapshot(queued)].reduce(panelReducer, away);
    assert.deepEqual([typed(away), typed(back)], [undefined, 'Also the vou']);
  });
});
