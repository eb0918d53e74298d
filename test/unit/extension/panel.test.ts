import assert from 'node:assert/strict';
import { createHandlers, type HandlerDeps, type PanelActions } from '../../../extension/chat/handlers.ts';
import type { FromPanelHandlers, Setup, ToPanel } from '../../../extension/chat/messages.ts';
import { createPanel, type Panel } from '../../../extension/chat/panel.ts';
import { createSetup } from '../../../extension/chat/setup.ts';
import { createConnection } from '../../../extension/relay/connection.ts';
import { createTaskStore, type TaskStore } from '../../../extension/relay/task-store.ts';
import { ExpectedError } from '../../../extension/ui/failure.ts';
import { createRelayClient, RelayError } from '../../../server/protocol/client.ts';
import { type RelayDouble, running, said, silent, startRelayDouble } from './relay-double.ts';

describe('the panel, seen from its webview', () => {
  let relay: RelayDouble;
  let store: TaskStore;
  let panel: Panel;
  let handlers: FromPanelHandlers;
  let posted: ToPanel[];
  let delegated: number;
  let done: unknown[][];
  let outcome: Promise<string>;
  let work: Setup['work'];
  let close: () => void;

  beforeEach(async () => {
    relay = await startRelayDouble();
    relay.append('t', ...running('t'));
    posted = [];
    delegated = 0;
    done = [];
    outcome = Promise.resolve('t');
    work = undefined;
    const connection = createConnection({
      find: async () => relay,
      start: () => assert.fail('started a relay'),
      log: silent,
    });
    const client = async () => createRelayClient({ url: relay.url, token: relay.token });
    store = createTaskStore({ client, onLost: () => {}, log: silent, batchMs: 1 });
    const setup = createSetup({
      connection,
      workspace: async () => ({ workspace: 'ready', repository: 'repo' }),
      work: async () => work,
    });
    panel = createPanel({ store, setup, post: (message) => posted.push(message), onShown: () => {} });
    const unused = () => assert.fail('not part of this test');
    const actions: PanelActions = {
      makeReady: unused,
      commands: unused,
      delegate: () => {
        delegated += 1;
        return outcome;
      },
      send: unused,
      answer: async (...args) => void done.push(args),
      editMessage: async (...args) => void done.push(args),
      withdrawMessage: async (...args) => {
        done.push(args);
        await outcome;
      },
      stop: unused,
      stopAgent: async (...args) => void done.push(args),
      archive: unused,
      review: unused,
      pullRequest: unused,
      taskAction: unused,
      rollBack: unused,
      preview: unused,
      openFile: unused,
      openExternal: unused,
      copy: unused,
      setUpModel: unused,
      fixWorkspace: unused,
      previewUncommitted: unused,
      retryConnection: unused,
      showLog: unused,
    };
    const deps: HandlerDeps = { panel, setup, actions, refresh: async () => void (await store.refresh()) };
    handlers = createHandlers(deps);
    close = () => {
      store.dispose();
      connection.dispose();
    };
  });
  afterEach(async () => {
    close();
    await relay.close();
  });

  const types = () => posted.map(({ type }) => type);
  const snapshots = () => posted.filter((message) => message.type === 'snapshot');
  const READY: Setup = { relay: 'connected', modelConfigured: true, workspace: 'ready', repository: 'repo' };

  it('answers `ready` by a complete snapshot, then by what it finds out', async () => {
    await handlers.ready({ type: 'ready', taskId: null });
    assert.equal(types()[0], 'snapshot');
    assert.deepEqual(
      posted.findLast(({ type }) => type === 'setup'),
      { type: 'setup', setup: READY },
    );
    assert.deepEqual(
      posted
        .filter((message) => message.type === 'tasks')
        .at(-1)
        ?.tasks.map(({ taskId }) => taskId),
      ['t'],
    );
  });

  it('is told what a new task would take along, and again when that has changed', async () => {
    work = { files: 2, bytes: 300, left: 1 };
    await handlers.ready({ type: 'ready', taskId: null });
    await handlers.newTask({ type: 'newTask' });
    await handlers.newTask({ type: 'newTask' });
    work = { files: 3, bytes: 400, left: 1 };
    await handlers.newTask({ type: 'newTask' });
    assert.deepEqual(
      posted.flatMap((message) => (message.type === 'setup' && message.setup.work ? [message.setup] : [])),
      [
        { ...READY, work: { files: 2, bytes: 300, left: 1 } },
        { ...READY, work: { files: 3, bytes: 400, left: 1 } },
      ],
    );
  });

  it('shows the task again that a reloaded page showed, with its whole state', async () => {
    await handlers.ready({ type: 'ready', taskId: 't' });
    const last = snapshots().at(-1);
    assert.deepEqual([last?.view, last?.task], ['task', relay.stateOf('t')]);
  });

  it('falls back to the list where the task is gone', async () => {
    await assert.rejects(async () => handlers.ready({ type: 'ready', taskId: 'gone' }), {
      code: 'not_found',
    });
    assert.equal(snapshots().at(-1)?.view, 'list');
  });

  it('sends events that continue its snapshot', async () => {
    await handlers.openTask({ type: 'openTask', taskId: 't' });
    await panel.connect(null);
    const arrived = new Promise((resolve) => store.events.once('change', resolve));
    relay.append('t', said('t', 'Hello'));
    await arrived;
    const events = posted.flatMap((message) => (message.type === 'events' ? message.events : []));
    assert.deepEqual([snapshots().at(-1)?.task?.seq, events.map(({ seq }) => seq)], [2, [3]]);
  });

  it('gets back what was said in a task once that task is shown', async () => {
    const draft = { text: 'said before', selection: [] };
    await handlers.openTask({ type: 'openTask', taskId: 't' });
    panel.putBack('t', draft);
    assert.deepEqual(posted, []);
    await panel.connect(null);
    assert.deepEqual(posted.slice(1), [{ type: 'putBack', taskId: 't', draft }, { type: 'focusComposer' }]);
  });

  it('gets chips that were attached before it was there, after its snapshot and once', async () => {
    panel.attach([{ path: 'a.ts', startLine: 1, endLine: 2 }]);
    assert.deepEqual(posted, []);
    await panel.connect(null);
    assert.deepEqual(types(), ['snapshot', 'attach', 'focusComposer']);
    assert.equal(snapshots()[0]?.view, 'new');
    panel.disconnect();
    await panel.connect(null);
    assert.deepEqual(types().slice(3), ['snapshot']);
  });

  it('is told nothing while it is hidden', async () => {
    await panel.connect(null);
    panel.disconnect();
    posted = [];
    panel.showList();
    panel.settled('c', null);
    assert.deepEqual(posted, []);
  });

  it('opens the chat of what it delegated, and settles the command', async () => {
    await panel.connect(null);
    await handlers.delegate({ type: 'delegate', clientId: 'c-1', text: 'do it', selection: [] });
    assert.deepEqual(posted.at(-1), { type: 'settled', clientId: 'c-1', failure: null });
    assert.deepEqual([panel.view(), panel.taskId()], ['task', 't']);
  });

  it('delegates once what a reloaded page sends again, and settles both', async () => {
    await panel.connect(null);
    const message = { type: 'delegate' as const, clientId: 'c-1', text: 'do it', selection: [] };
    await Promise.all([handlers.delegate(message), handlers.delegate(message)]);
    assert.deepEqual([delegated, types().filter((type) => type === 'settled').length], [1, 2]);
  });

  it('answers questions, changes and withdraws messages, and is told how each ended', async () => {
    await panel.connect(null);
    const about = { clientId: 'c-1', taskId: 't' };
    const yes = { kind: 'choice' as const, label: 'Yes' };
    await handlers.answer({ type: 'answer', ...about, questionId: 'q', answer: yes });
    await handlers.editMessage({ type: 'editMessage', ...about, messageId: 'm', text: 'x' });
    outcome = Promise.reject(new RelayError('already_delivered', 'Read.', { status: 409 }));
    await handlers.withdrawMessage({ type: 'withdrawMessage', ...about, messageId: 'm' });
    await handlers.stopAgent({ type: 'stopAgent', taskId: 't', agentId: 'u:m1c0' });
    assert.deepEqual(done, [
      ['t', 'q', yes],
      ['t', 'm', 'x'],
      ['t', 'm'],
      ['t', 'u:m1c0'],
    ]);
    const settled = { type: 'settled', clientId: 'c-1' };
    assert.deepEqual(posted.slice(-3), [
      { ...settled, failure: null },
      { ...settled, failure: null },
      { ...settled, failure: { code: 'already_delivered', message: 'Read.' } },
    ]);
  });

  it('gets the failure of a command that failed, with what to do', async () => {
    await panel.connect(null);
    outcome = Promise.reject(new ExpectedError('too_large', 'Too much.', 'Commit it.'));
    await handlers.delegate({ type: 'delegate', clientId: 'c-1', text: 'do it', selection: [] });
    assert.deepEqual(posted.at(-1), {
      type: 'settled',
      clientId: 'c-1',
      failure: { code: 'too_large', message: 'Too much.', nextAction: 'Commit it.' },
    });
  });
});
