import { type FakeGitHub, startFakeGitHub } from '../../fakes/github/server.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { SAMPLE_FILES } from '../../fakes/sample.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

export const TOKEN = 'gho_followed0123456789';
export const HOOK_SECRET = 'a-secret-that-is-shared-with-github';
export const [OWNER, NAME] = ['sam', 'trip-log'];

/** A relay, and a GitHub that it publishes to. */
export interface Site extends Workshop {
  github: FakeGitHub;
  /** Delegates, waits for the turn's end, accepts all of it and opens the pull request. @returns the task, and the pushed commit */
  publish(prompt: string): Promise<{ taskId: string; commit: string }>;
  /** Accepts everything and publishes. @returns the pushed commit */
  push(taskId: string): Promise<string>;
}

export async function openSite(scenario: Scenario, env: Record<string, string> = {}): Promise<Site> {
  const github = await startFakeGitHub({
    users: [{ login: OWNER, id: 101, name: 'Sam Sample', tokens: { [TOKEN]: { scopes: ['repo'] } } }],
    repos: [{ owner: OWNER, name: NAME, content: { directory: SAMPLE_FILES } }],
  });
  const workshop = await openWorkshop(scenario, {
    HANDOFF_GITHUB_URL: github.url,
    HANDOFF_GITHUB_API_URL: github.apiUrl,
    HANDOFF_GITHUB_WEBHOOK_SECRET: HOOK_SECRET,
    ...env,
  });
  const { client } = workshop;
  const site: Site = {
    ...workshop,
    github,
    async publish(prompt) {
      const taskId = await workshop.delegate(prompt, `${github.url}/${OWNER}/${NAME}.git`);
      await workshop.watch(taskId).until('turn.ended');
      return { taskId, commit: await site.push(taskId) };
    },
    async push(taskId) {
      const { revision, files } = await client.changes(taskId);
      const { acceptedTree } = await client.patchReview(taskId, {
        revision,
        decisions: files.map(({ path }) => ({ path, hashes: 'all', state: 'accepted' })),
      });
      const published = await client.openPullRequest(taskId, { acceptedTree, title: 'Write notes' }, TOKEN);
      if (published.commit === undefined) throw new Error(`not pushed: ${JSON.stringify(published)}`);
      return published.commit;
    },
    async close() {
      await workshop.close();
      await github.close();
    },
  };
  return site;
}

export const writes = (path: string, content: string) => ({
  toolCalls: [{ name: 'write', arguments: { path, content } }],
});
