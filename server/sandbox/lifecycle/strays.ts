import type { SandboxProvider } from '../sandbox.ts';

/**
 * Gives back machines whose task is gone: their relay was killed, or their provider did not answer, just when they should have been.
 * @param isGone true only where that is certain
 */
export async function removeStrays(
  provider: Pick<SandboxProvider, 'list' | 'destroy'>,
  isGone: (taskId: string) => Promise<boolean>,
): Promise<void> {
  for (const { ref, taskId } of await provider.list()) if (await isGone(taskId)) await provider.destroy(ref);
}
