import { type RelayClient, RelayError } from '../../server/protocol/client.ts';
import type { MakeCommits, Preflight } from '../../server/protocol/publish.ts';
import { toFailure } from '../ui/failure.ts';
import type { askWayOn, Wish } from './ask-way-on.ts';

/**
 * Has the relay make the commits; where something stands in the way, the person says how to go on.
 * @param preflight of what `wish` is about
 */
export async function makeCommits(
  client: Pick<RelayClient, 'commitBundle' | 'preflight'>,
  { taskId, ...who }: { taskId: string } & Pick<MakeCommits, 'acceptedTree' | 'author'>,
  { wish, preflight }: { wish: Wish; preflight: Preflight },
  ask: typeof askWayOn,
): Promise<{ commit: string; bundle: Uint8Array }> {
  for (let [wanted, seen] = [wish, preflight]; ; ) {
    const { title, body, uncommitted, allowWorkflows, allowedSecrets } = wanted;
    try {
      const asked = { ...who, title, body, uncommitted, allowWorkflows, allowedSecrets };
      return await client.commitBundle(taskId, asked);
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      const obstacle = { failure: toFailure(error), compareUrl: undefined, preflight: seen };
      ({ wish: wanted } = await ask(taskId, wanted, obstacle));
    }
    // There is more in it then, and may be more to say yes to.
    if (wanted.uncommitted !== uncommitted)
      seen = await client.preflight(taskId, { uncommitted: wanted.uncommitted });
  }
}
