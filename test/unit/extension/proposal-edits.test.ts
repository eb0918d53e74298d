import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createTaskStore, type TaskStore } from '../../../extension/relay/task-store.ts';
import { createContents, digest } from '../../../extension/review/contents.ts';
import { createProposalEdits } from '../../../extension/review/proposal-edits.ts';
import { createReviewSession, type ReviewSession } from '../../../extension/review/session.ts';
import { createRelayClient } from '../../../server/protocol/client.ts';
import { hunksOf, segments } from '../../../server/protocol/hunks.ts';
import { type RelayDouble, running, silent, startRelayDouble, treeOf } from './relay-double.ts';

const BASE = '1\n2\n3\n4\n5\n6\n7\n8\n9\n';
const PROPOSAL = BASE.replace('2', 'two').replace('8', 'eight');
const oidOf = (text: string) => createHash('sha1').update(text).digest('hex');

describe('what a written proposal document means', () => {
  let relay: RelayDouble;
  let store: TaskStore;
  let session: ReviewSession;
  let write: (seen: string, written: string) => Promise<void>;
  /** What the relay was told to make of the file, by revision that it was about. */
  let edits: [revision: number, text: string][];

  beforeEach(async () => {
    relay = await startRelayDouble();
    edits = [];
    const client = async () => createRelayClient({ url: relay.url, token: relay.token, maxBackoffMs: 1 });
    store = createTaskStore({ client, onLost: () => {}, log: silent, batchMs: 1 });
    session = createReviewSession({ client, store, report: (error) => assert.fail(String(error)) });
    const proposals = createProposalEdits({ session, contents: createContents(client) });
    write = (seen, written) => proposals.write('t', 'a', seen, Buffer.from(written));
    relay.append('t', ...running('t'));
    propose(1, PROPOSAL);
    relay.setOnEdit(({ revision, content }) => {
      const text = Buffer.from(content ?? '', 'base64').toString();
      const current = relay.stateOf('t').proposal?.revision ?? 0;
      if (revision !== current) return 'revision_changed';
      edits.push([revision, text]);
      propose(revision + 1, text);
      return undefined;
    });
    await session.load('t');
  });
  afterEach(async () => {
    store.dispose();
    await relay.close();
  });

  function propose(revision: number, text: string): void {
    const hunks = hunksOf(segments(BASE, text, digest));
    const file = { path: 'a', status: 'modified', binary: false, additions: 1, deletions: 1 } as const;
    const sides = { oldMode: '100644', newMode: '100644', oldOid: oidOf(BASE), newOid: oidOf(text) };
    for (const content of [BASE, text]) relay.blobs.set(oidOf(content), content);
    const trees = { revision, baseTree: treeOf(0), headTree: treeOf(revision) };
    relay.changes.set('t', { ...trees, files: [{ ...file, ...sides, hunks }] });
    relay.append('t', { type: 'proposal.changed', ...trees, files: [file] });
  }
  const states = () => session.current()?.files.flatMap(({ items }) => items.map(({ state }) => state));

  it('a change that is gone was rejected, and one that is back is not decided', async () => {
    const shown = PROPOSAL.replace('two', '2');
    await write(PROPOSAL, shown);
    const gone = states();
    await write(shown, PROPOSAL);
    assert.deepEqual([gone, states(), edits], [['rejected', 'pending'], ['pending', 'pending'], []]);
  });

  it('one that was kept is kept again when it is back, as by undoing what took it out', async () => {
    await session.setAccepted('t', ['a'], true);
    const shown = PROPOSAL.replace('two', '2');
    await write(PROPOSAL, shown);
    const gone = states();
    await write(shown, PROPOSAL);
    assert.deepEqual([gone, states(), edits], [['rejected', 'accepted'], ['accepted', 'accepted'], []]);
  });

  it('one that is gone and another that is back are one save', async () => {
    await write(PROPOSAL, PROPOSAL.replace('two', '2'));
    await write(PROPOSAL.replace('two', '2'), PROPOSAL.replace('eight', '8'));
    assert.deepEqual([states(), edits], [['pending', 'rejected'], []]);
  });

  it('what was there before is nothing to tell', async () => {
    const before = relay.requests.length;
    await write(PROPOSAL, PROPOSAL);
    assert.deepEqual(relay.requests.slice(before), [`GET /v1/tasks/t/blobs/${oidOf(PROPOSAL)}`]);
  });

  it('anything else is the next revision, in which what was rejected stays to be brought back', async () => {
    const shown = PROPOSAL.replace('two', '2');
    await write(PROPOSAL, shown);
    await write(shown, shown.replace('5', 'five'));
    assert.deepEqual(
      [edits, states()],
      [[[1, PROPOSAL.replace('5', 'five')]], ['rejected', 'pending', 'pending']],
    );
  });

  it('what is written into the midst of a rejected change takes its place', async () => {
    const shown = PROPOSAL.replace('two', '2');
    await write(PROPOSAL, shown);
    await write(shown, shown.replace('2', 'zwei'));
    assert.deepEqual(edits, [[1, PROPOSAL.replace('two', 'zwei')]]);
  });

  it('what was rejected and is written again, with more beside it, is rejected no more', async () => {
    const shown = PROPOSAL.replace('two', '2');
    await write(PROPOSAL, shown);
    await write(shown, PROPOSAL.replace('5', 'five'));
    assert.deepEqual(
      [edits, states()],
      [[[1, PROPOSAL.replace('5', 'five')]], ['pending', 'pending', 'pending']],
    );
  });

  it('is merged with what the agent proposed meanwhile', async () => {
    const next = PROPOSAL.replace('8', 'eight').replace('9', 'nine');
    propose(2, next);
    await write(PROPOSAL, PROPOSAL.replace('5', 'five'));
    assert.deepEqual(edits, [[2, next.replace('5', 'five')]]);
  });

  it('is refused where the agent changed the same lines, and nothing is lost', async () => {
    propose(2, PROPOSAL.replace('5', 'V'));
    await assert.rejects(write(PROPOSAL, PROPOSAL.replace('5', 'five')), { code: 'revision_changed' });
    assert.deepEqual(edits, []);
  });

  it('is refused while the agent works, as the relay says', async () => {
    relay.setOnEdit(() => 'conflict');
    await assert.rejects(write(PROPOSAL, PROPOSAL.replace('5', 'five')), { code: 'conflict' });
    assert.deepEqual(states(), ['pending', 'pending']);
  });

  it('is taken byte for byte: ends of line, a byte order mark, a last line that does not end', async () => {
    const text = '\ufeffa\r\nb\nc';
    propose(2, text);
    await session.load('t');
    // As the editor writes a document of mixed ends of line.
    await write(text, '\ufeffa\r\nb\r\nnew\r\nc');
    assert.deepEqual(edits, [[2, '\ufeffa\r\nb\nnew\nc']]);
  });
});
