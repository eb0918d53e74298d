import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git } from '../../fakes/git.ts';
import type { Watch } from './watch.ts';
import type { Workshop } from './workshop.ts';

/** Delegates a task that begins with these files besides those of the workshop's repository, committed. */
export async function delegateWith(
  workshop: Workshop,
  files: Record<string, string>,
  prompt = 'Go',
): Promise<{ taskId: string; watch: Watch }> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(workshop.repo, path)), { recursive: true });
    await writeFile(join(workshop.repo, path), content);
  }
  await git(workshop.repo, ['add', '--all']);
  await git(workshop.repo, ['commit', '--quiet', '--message', 'What this test begins with']);
  const commit = (await git(workshop.repo, ['rev-parse', 'HEAD'])).trim();
  const source = { url: `file://${workshop.repo}`, commit, branch: 'main' };
  const { taskId } = await workshop.client.createTask({ clientId: randomUUID(), prompt, source });
  return { taskId, watch: workshop.watch(taskId) };
}

/** What the model read of each call that ended: tool, text, and whether it was an error. */
export const results = ({ events }: Watch): [name: string, output: string, isError: boolean][] =>
  events.flatMap((event) =>
    event.type === 'tool.finished' ? [[event.name, event.output, event.isError]] : [],
  );

/** What the person is told of the surroundings. */
export const notes = ({ events }: Watch): string[] =>
  events.flatMap((event) => (event.type === 'environment.noted' ? [event.text] : []));
