import type { OpenPullRequest } from '../../../server/protocol/commands.ts';
import type { SourceSpec } from '../../../server/protocol/source.ts';
import type { Publish, TaskState } from '../../../server/protocol/task.ts';
import type { TokenGrant } from '../../fakes/github/accounts.ts';
import { type FakeGitHub, startFakeGitHub } from '../../fakes/github/server.ts';
import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Reply } from '../../fakes/model/script.ts';
import { SAMPLE_FILES } from '../../fakes/sample.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

/** May do everything that is asked of it in these tests. */
export const TOKEN = 'gho_full';
export const [OWNER, NAME] = ['sam', 'trip-log'];

/** A relay with a GitHub behind it, and tasks whose work is a shell command of one's own. */
export interface Desk {
  workshop: Workshop;
  github: FakeGitHub;
  remote: string;
  /** Has the agent run `command` on `source`, and accepts all that comes of it. */
  work(command: string, options?: { source?: Partial<SourceSpec>; remote?: string }): Promise<Accepted>;
  /** Git in GitHub's repository. */
  git(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

export interface Accepted {
  taskId: string;
  acceptedTree: string;
  publish(command?: Partial<OpenPullRequest>, token?: string): Promise<Publish>;
  state(): Promise<TaskState>;
}

/** @param tokens more of the person's, by what they may do */
export async function openDesk(tokens: Record<string, TokenGrant> = {}): Promise<Desk> {
  const github = await startFakeGitHub({
    users: [
      {
        login: OWNER,
        id: 101,
        name: 'Sam Sample',
        tokens: { [TOKEN]: { scopes: ['repo', 'workflow'] }, ...tokens },
      },
    ],
    repos: [{ owner: OWNER, name: NAME, content: { directory: SAMPLE_FILES } }],
  });
  const workshop = await openWorkshop([{ steps: [runAsked, { text: 'It is done.' }] }], {
    HANDOFF_GITHUB_URL: github.url,
    HANDOFF_GITHUB_API_URL: github.apiUrl,
  });
  const remote = `${github.url}/${OWNER}/${NAME}.git`;
  const { client } = workshop;
  return {
    workshop,
    github,
    remote,
    async work(command, { source, remote: other = remote } = {}) {
      const taskId = await workshop.delegate(`${ASKED}${command}`, other, source);
      await workshop.watch(taskId).until('turn.ended');
      const { revision, files } = await client.changes(taskId);
      const decisions = files.map(({ path }) => ({
        path,
        hashes: 'all' as const,
        state: 'accepted' as const,
      }));
      const { acceptedTree } = await client.patchReview(taskId, { revision, decisions });
      return {
        taskId,
        acceptedTree,
        publish: (change = {}, token = TOKEN) =>
          client.openPullRequest(taskId, { acceptedTree, title: 'Do it', ...change }, token),
        state: () => client.getTask(taskId),
      };
    },
    git: async (...args) => (await github.git(OWNER, NAME, args)).trim(),
    async close() {
      await workshop.close();
      await github.close();
    },
  };
}

const ASKED = 'Run: ';

/** The model does what the person says, to the letter. */
function runAsked({ messages }: ChatRequest): Reply {
  const said = messages.findLast(({ content }) => content.includes(ASKED))?.content ?? '';
  const command = said.slice(said.indexOf(ASKED) + ASKED.length);
  return { toolCalls: [{ name: 'bash', arguments: { command } }] };
}
