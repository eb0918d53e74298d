import assert from 'node:assert/strict';
import { CliError, UsageError } from '../../../server/cli/command.ts';
import { openTaskPullRequest, type PullRequestOptions } from '../../../server/cli/commands/tasks-pr.ts';
import { type ReviewOptions, reviewTask } from '../../../server/cli/commands/tasks-review.ts';
import type { OpenPullRequest } from '../../../server/protocol/commands.ts';
import { withDecisions } from '../../../server/protocol/ledger.ts';
import type { AskPreflight, Preflight } from '../../../server/protocol/publish.ts';
import { emptyTask } from '../../../server/protocol/reduce.ts';
import type { Decided, FileChange, FileDecisions, PatchReview } from '../../../server/protocol/review.ts';
import type { Publish, TaskState } from '../../../server/protocol/task.ts';
import { recordTerminal } from './terminal.ts';

const tree = (digit: string) => digit.repeat(40);
const hunk = (hash: string, line: number, reason?: string) => ({
  ...{ hash, oldStart: line, oldLines: 1, newStart: line, newLines: 2 },
  ...(reason === undefined ? {} : { reason }),
});
const change = (path: string, parts: Partial<FileChange>): FileChange => ({
  ...{ path, status: 'modified', binary: false, additions: 4, deletions: 2, hunks: [] },
  ...{ oldMode: '100644', newMode: '100644', oldOid: tree('1'), newOid: tree('2') },
  ...parts,
});
const FILES = [
  change('src/a.ts', {
    hunks: [hunk('aaaa1111ffff', 3, 'Adds miles'), hunk('aaaa2222ffff', 9)],
    newMode: '100755',
    whole: 'bbbb3333ffff',
  }),
  change('logo:v2.png', { binary: true, whole: 'cccc4444ffff', hunks: [] }),
];

/** A relay with one task whose decisions add up as they do there, and what was asked of it. */
function relay(published: Partial<Publish> = {}) {
  const asked: unknown[] = [];
  let decided: FileDecisions[] = [];
  let revision = 2;
  const client = {
    changes: async () => ({ revision, baseTree: tree('a'), headTree: tree('b'), files: FILES }),
    getTask: async (taskId: string): Promise<TaskState> => ({
      ...emptyTask(taskId),
      proposal: { revision, baseTree: tree('a'), headTree: tree('b'), files: [] },
      ...(decided.length === 0 ? {} : { review: { revision: 2, acceptedTree: tree('c'), files: decided } }),
    }),
    patchReview: async (_taskId: string, { decisions }: PatchReview) => {
      asked.push(decisions);
      decided = withDecisions(decided, decisions as Decided[]);
      return { revision, acceptedTree: tree('d'), seq: 1 };
    },
    preflight: async (_taskId: string, body: AskPreflight): Promise<Preflight> => {
      asked.push(body);
      return {
        ...{
          forge: 'github',
          base: {},
          head: { branch: 'handoff/x' },
          workflows: [],
          secrets: [],
          problems: [],
        },
        ...{ title: 'By the agent', body: 'Its words' },
      };
    },
    openPullRequest: async (_taskId: string, body: OpenPullRequest, token: string): Promise<Publish> => {
      asked.push([body, token]);
      return {
        ...{ publishId: 'p', stage: 'opened', branch: 'handoff/x', acceptedTree: tree('c') },
        ...published,
      };
    },
  };
  const review = async (options: Partial<ReviewOptions> = {}) => {
    const terminal = recordTerminal();
    const all = { accept: [], reject: [], undo: [], json: false, ...options };
    await reviewTask(async () => client, ['t'], all, terminal);
    return terminal.written.out;
  };
  const openPr = async (options: Partial<PullRequestOptions> = {}, env = { GITHUB_TOKEN: 'gh-secret' }) => {
    const terminal = recordTerminal({ env });
    const none = {
      title: undefined,
      body: undefined,
      base: undefined,
      branch: undefined,
      uncommitted: undefined,
    };
    const all = { ...none, ready: false, allowWorkflows: false, allowSecret: [], json: false, ...options };
    await openTaskPullRequest(async () => client, ['t'], all, terminal);
    return terminal.written;
  };
  return { asked, review, openPr, revise: () => (revision += 1) };
}

describe('tasks review', () => {
  it('shows every hunk with its id, state and reason', async () => {
    const { review, asked } = relay();
    const text = (a1: string, a2: string, mode: string, logo: string, total: string) =>
      [
        'src/a.ts  modified +4 -2',
        `  [${a1}] aaaa1111  @@ -3,1 +3,2 @@  Adds miles`,
        `  [${a2}] aaaa2222  @@ -9,1 +9,2 @@`,
        `  [${mode}] bbbb3333  mode 100644 -> 100755`,
        'logo:v2.png  modified (binary)',
        `  [${logo}] cccc4444  the whole file`,
        '',
        `${total}\n`,
      ].join('\n');
    assert.equal(await review(), text(' ', ' ', ' ', ' ', '0 accepted, 0 rejected, 4 not decided'));
    assert.equal(
      await review({ accept: ['all'], reject: ['src/a.ts:aaaa2'], undo: ['src/a.ts:bbbb'] }),
      text('x', '-', ' ', 'x', '2 accepted, 1 rejected, 1 not decided'),
    );
    assert.deepEqual(asked, [
      [
        { path: 'src/a.ts', hashes: ['aaaa1111ffff'], state: 'accepted' },
        { path: 'logo:v2.png', hashes: ['cccc4444ffff'], state: 'accepted' },
      ],
      [{ path: 'src/a.ts', hashes: ['aaaa2222ffff'], state: 'rejected' }],
      [{ path: 'src/a.ts', hashes: ['bbbb3333ffff'], state: 'pending' }],
    ]);
  });

  it('is JSON for programs', async () => {
    const { review } = relay();
    const { revision, files } = JSON.parse(await review({ accept: ['logo:v2.png'], json: true }));
    assert.deepEqual([revision, files[1].states], [2, { cccc4444ffff: 'accepted' }]);
  });

  it('refuses what is not there, or could be two', async () => {
    const { review, asked } = relay();
    const refused = (accept: string, message: string) =>
      assert.rejects(review({ accept: [accept] }), (error) => {
        assert.ok(error instanceof CliError);
        assert.equal(error.message, message);
        return true;
      });
    await refused('src/b.ts', 'The task changes no file src/b.ts.');
    await refused('src/a.ts:aaaa', 'src/a.ts has several hunks aaaa.');
    await refused('src/a.ts:ffff', 'src/a.ts has no hunk ffff.');
    await assert.rejects(
      reviewTask(
        () => assert.fail('connected'),
        [],
        { accept: [], reject: [], undo: [], json: false },
        recordTerminal(),
      ),
      UsageError,
    );
    assert.deepEqual(asked, []);
  });
});

describe('tasks pr', () => {
  const opened = { pullRequest: { url: 'https://github.com/a/b/pull/7', number: 7, reused: false } };

  it('opens a draft of what is accepted, in the newest revision, with the agent’s words or the person’s', async () => {
    const { asked, review, openPr, revise } = relay(opened);
    await review({ accept: ['all'] });
    assert.deepEqual(await openPr(), { out: 'https://github.com/a/b/pull/7\n', err: '' });
    revise();
    await openPr({
      ...{ title: 'Mine', body: '', base: 'main', branch: 'mine', uncommitted: 'include', ready: true },
      ...{ allowWorkflows: true, allowSecret: ['f1'] },
    });
    const rest = { allowWorkflows: false, allowedSecrets: [], draft: true };
    assert.deepEqual(asked.slice(1), [
      { uncommitted: 'leave-out' },
      [
        {
          acceptedTree: tree('c'),
          title: 'By the agent',
          body: 'Its words',
          uncommitted: 'leave-out',
          ...rest,
        },
        'gh-secret',
      ],
      [],
      [
        {
          ...{ acceptedTree: tree('d'), title: 'Mine', body: '', base: 'main', branch: 'mine' },
          ...{ uncommitted: 'include', draft: false, allowWorkflows: true, allowedSecrets: ['f1'] },
        },
        'gh-secret',
      ],
    ]);
  });

  it('says why it was not opened and what to do, and never the token', async () => {
    const error = {
      code: 'pull_request_forbidden',
      message: 'GitHub refused.',
      nextAction: 'Ask an owner.',
    } as const;
    const { review, openPr } = relay({ error, compareUrl: 'https://github.com/a/b/compare/x' });
    await assert.rejects(openPr(), { message: 'Nothing of the task is accepted yet.' });
    await review({ accept: ['all'] });
    await assert.rejects(openPr(), {
      message: 'GitHub refused.',
      nextAction: 'Ask an owner. Open it by hand: https://github.com/a/b/compare/x',
    });
    await assert.rejects(openPr({ uncommitted: 'maybe' }), {
      message: '--uncommitted is leave-out or include',
    });
  });

  it('asks for a token where there is none', async () => {
    const { review, openPr } = relay(opened);
    await review({ accept: ['all'] });
    const env = { GITHUB_TOKEN: '', PATH: '/nowhere' };
    await assert.rejects(openPr({}, env), { message: 'There is no GitHub token.' });
  });
});
