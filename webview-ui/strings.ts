/** Every word that the panel shows, in one place, so that it can be localised. Functions take what varies. */
import type { Item } from '../server/protocol/task.ts';
import { count } from './format.ts';

const plural = (count: number, one: string, many: string) =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;

type CutFacts = Extract<Item, { kind: 'cut' }>;

export const strings = {
  product: 'Handoff',
  loading: 'Loading…',

  header: {
    newTask: 'New task',
    allTasks: 'All tasks',
    untitled: 'Untitled task',
    preview: 'Open preview',
    carried: (files: number) => `${plural(files, 'uncommitted file', 'uncommitted files')} carried`,
    commit: (commit: string) => `Commit ${commit}`,
  },

  status: {
    idle: 'Not started',
    running: 'Running',
    waiting: 'Waiting',
    asking: 'Needs you',
    stopping: 'Stopping',
    completed: 'Done',
    stopped: 'Stopped',
    failed: 'Failed',
    archived: 'Archived',
  },

  sandbox: {
    provisioning: 'Preparing the sandbox',
    running: 'Sandbox running',
    hibernated: 'Waking the sandbox',
    gone: 'The sandbox is gone',
    failed: 'The sandbox failed',
  },

  welcome: {
    title: 'Delegate a task',
    lead: 'Describe a change. An agent makes it in a sandbox of its own while you keep working, or while your computer sleeps.',
    carries: 'Your uncommitted changes go along; your files here stay as they are.',
    review: 'You review every change in the editor. Nothing is pushed that you did not accept.',
    repository: (name: string) => `Works on ${name}`,
    recent: 'Recent tasks',
  },

  list: {
    title: 'Tasks',
    emptyTitle: 'No tasks yet',
    empty: 'Right-click a file or a selection and choose “Delegate”, or describe a change in a new task.',
    changed: (files: number) => plural(files, 'file changed', 'files changed'),
    archive: (title: string) => `Archive “${title}”`,
    pullRequest: 'pull request',
    openPullRequest: (title: string) => `Open the pull request of “${title}”`,
  },

  transcript: {
    label: 'Conversation',
    you: 'You',
    agent: 'Agent',
    latest: 'Jump to latest',
    working: 'Working',
    stopping: 'Stopping',
    empty: 'Nothing has happened yet.',
    copyCode: 'Copy code',
    rowFailed: 'This entry could not be shown.',
    copied: 'Copied',
    cut: ({ evicted, summary, tokensBefore, tokensAfter }: CutFacts) =>
      `${summary === undefined ? `${plural(evicted, 'older result', 'older results')} can be read again on demand` : 'What stands above was summarised for the agent'}: ${count(tokensBefore)} tokens became ${count(tokensAfter)}. Nothing is lost here.`,
    image: (alt: string) => (alt === '' ? 'Image' : `Image: ${alt}`),
  },

  turn: {
    completed: (duration: string) => `Finished in ${duration}`,
    stopped: (duration: string) => `Stopped after ${duration}`,
    failed: (duration: string) => `Failed after ${duration}`,
    tokens: (input: string, output: string) => `${input} tokens in, ${output} out`,
    rollBack: 'Roll back',
    rollBackWhat: 'Files of the proposal and conversation as they were before this turn',
    retry: 'Try again',
    retryText: 'Try again from where you stopped.',
    stepsDone: (steps: number) =>
      steps === 0 ? 'No step had finished.' : `${plural(steps, 'step', 'steps')} had finished.`,
    cutOff: 'Cut off:',
    moreCutOff: (calls: number) => `and ${calls.toLocaleString()} more`,
    kept: (files: number) =>
      files === 0
        ? 'No file had been changed.'
        : `${plural(files, 'changed file is', 'changed files are')} kept in the proposal.`,
  },

  question: {
    asks: 'The agent asks',
    options: 'Answers',
    own: 'Answer in your own words',
    answer: 'Answer',
    answered: 'You answered',
    dismissed: 'Not answered',
    failed: 'Not answered.',
  },

  checks: {
    label: 'Checks',
    running: 'running',
    passed: 'passed',
    failed: 'failed',
    cancelled: 'cancelled',
    name: (name: string) => `Check ${name}`,
    on: (tree: string) => `Ran on the tree ${tree}.`,
    outdated: 'These checks ran on what the agent left, which is not what you accepted.',
  },

  tools: {
    running: 'running',
    failed: 'failed',
    stopped: 'stopped',
    exit: (code: string) => `exit ${code}`,
    input: 'Input',
    output: 'Output',
    noOutput: 'No output.',
    copyOutput: 'Copy output',
    openFile: (path: string) => `Open ${path}`,
    read: 'Read',
    lines: (from: number, to: number) => `lines ${from}–${to}`,
    fromLine: (from: number) => `from line ${from}`,
    wrote: 'Wrote',
    writing: 'Write',
    lineCount: (lines: number) => plural(lines, 'line', 'lines'),
    edited: 'Edited',
    editing: 'Edit',
    replaceAll: 'all occurrences',
    globbed: 'Found files',
    grepped: 'Searched',
    within: (path: string) => `in ${path}`,
    matches: (count: number) => plural(count, 'result', 'results'),
    noMatches: 'no results',
    ran: 'Ran',
    running_: 'Running',
    planned: 'Updated the plan',
    steps: (done: number, all: number) => `${done} of ${all} done`,
    used: 'Used',
    exploring: 'Exploring',
    explored: 'Explored',
    actions: (count: number) => plural(count, 'step', 'steps'),
    asked: 'Asked',
    subagent: (description: string) => `What the agent for “${description}” does`,
    earlier: (count: number) => `${plural(count, 'earlier entry', 'earlier entries')} not shown`,
    cut: (characters: number) => `… ${plural(characters, 'more character', 'more characters')} not shown`,
  },

  plan: {
    title: 'Plan',
    pending: 'to do',
    in_progress: 'in progress',
    completed: 'done',
    progress: (done: number, all: number) => `${done} of ${all}`,
  },

  proposal: {
    changed: (files: number) => plural(files, 'file changed', 'files changed'),
    review: 'Review changes',
    reviewAgain: 'Review again',
    openPullRequest: 'Open pull request',
    updatePullRequest: 'Update pull request',
    accepted: (files: number) => `${plural(files, 'file', 'files')} accepted`,
    stale: 'The agent changed the proposal after your review.',
    reviewFile: (path: string) => `Review ${path}`,
    status: { added: 'added', modified: 'modified', deleted: 'deleted', 'type-changed': 'type changed' },
    letter: { added: 'A', modified: 'M', deleted: 'D', 'type-changed': 'T' },
    binary: 'binary',
    apply: 'Apply to my files',
    more: 'More actions',
  },

  publish: {
    started: (branch: string) => `Committing to ${branch}…`,
    committed: (branch: string) => `Pushing ${branch}…`,
    pushed: 'Opening the pull request…',
    opened: (number: number) => `Pull request #${number}`,
    openedLead: 'Opened',
    updatedLead: 'Updated',
    failed: 'The pull request could not be opened.',
    compare: 'Open on GitHub instead',
  },

  pullRequest: {
    label: 'Pull request',
    state: { open: 'open', draft: 'draft', merged: 'merged', closed: 'closed' },
    checks: (passed: number, failed: number, pending: number) =>
      [
        failed > 0 ? `${plural(failed, 'check', 'checks')} failed` : '',
        pending > 0 ? `${pending.toLocaleString()} running` : '',
        passed > 0 ? `${passed.toLocaleString()} passed` : '',
      ]
        .filter(Boolean)
        .join(', '),
    comments: (count: number) => plural(count, 'comment', 'comments'),
    conflicts: 'Its base has changed: it cannot be merged.',
    refresh: 'Look at the pull request again',
    fixChecks: 'Fix failed checks',
    fixComments: 'Address comments',
    fixing: (spent: number, all: number) => `Mends failed checks by itself: ${spent} of ${all} used`,
  },

  unattended: {
    until: (time: string) => `Opens a draft pull request by itself until ${time}`,
    end: 'Turn off',
  },

  queue: {
    label: 'Waiting messages',
    queued: 'Queued',
    sending: 'Sending',
    saving: 'Saving',
    withdrawing: 'Withdrawing',
    edit: (text: string) => `Edit “${text}”`,
    withdraw: (text: string) => `Withdraw “${text}”`,
    field: 'Queued message',
    save: 'Save',
    cancel: 'Cancel',
    withdrawn: 'The message was withdrawn.',
    putBack: 'Put it into the composer',
    readMeanwhile: 'The agent has read this message meanwhile.',
    sendAnew: 'What you wrote is in the composer: send it as a new message.',
    notChanged: 'Not changed.',
    notWithdrawn: 'Not withdrawn.',
  },

  composer: {
    label: 'Message to the agent',
    newPlaceholder: 'What should be done?',
    followUp: 'Ask for changes or add details',
    whileRunning: 'Add a message; the agent reads it next',
    whileWaiting: 'Add a message; the agent reads it when it goes on',
    whileAsking: 'Or send a message instead of an answer',
    send: 'Send',
    delegate: 'Delegate',
    queue: 'Send when the agent is ready',
    instead: 'Send instead of an answer',
    stop: 'Stop the agent',
    stopping: 'Stopping…',
    remove: (label: string) => `Remove ${label}`,
    attached: 'Attached',
    carried: (files: number, size: string) =>
      `+ ${plural(files, 'uncommitted file', 'uncommitted files')} (${size})`,
    staying: (files: number) => `, ${files.toLocaleString()} left out`,
    chooseWork: 'Uncommitted work travels with the task. Choose what…',
    notSent: 'Not sent.',
    dismiss: 'Dismiss',
    commands: 'Commands',
    plan: 'Ask for a plan first',
  },

  setup: {
    starting: 'Starting the relay…',
    reconnecting: 'The relay does not answer. Reconnecting…',
    unavailable: 'The relay is not running.',
    noModel: 'No model is set up yet.',
    noFolder: 'Open a folder with a Git repository to delegate work on it.',
    noGit: 'This folder is not a Git repository.',
    untrusted: 'This workspace is not trusted, so nothing of it is sent to an agent.',
    archived: 'This task is archived.',
    retry: 'Retry',
    showLog: 'Show log',
    setUpModel: 'Set up a model',
    openFolder: 'Open folder',
    initialise: 'Initialize repository',
    trust: 'Manage trust',
  },

  announce: {
    tool: (summary: string) => `${summary}.`,
    started: 'The agent is working.',
    asks: (question: string, options: string[]) =>
      `The agent asks: ${question}${options.length === 0 ? '' : ` Answers: ${options.join(', ')}.`}`,
    waiting: (reason: string) => `The agent waits. ${reason}`,
    check: (name: string, outcome: string) => `Check ${name} ${outcome}.`,
    completed: 'The agent has finished.',
    stopped: 'The agent was stopped.',
    failed: (reason: string) => `The agent failed. ${reason}`,
    proposal: (files: number) => `${plural(files, 'changed file', 'changed files')} to review.`,
    opened: (number: number) => `Pull request ${number} is open.`,
    merged: (number: number) => `Pull request ${number} was merged.`,
    closed: (number: number) => `Pull request ${number} was closed.`,
  },
} as const;
