import { createHmac, randomUUID } from 'node:crypto';

/** Delivers what GitHub tells, signed as GitHub signs it. @returns the status of the answer */
export async function deliver(
  url: string,
  event: string,
  payload: unknown,
  options: { secret: string; deliveryId?: string; signature?: string },
): Promise<number> {
  const body = JSON.stringify(payload);
  const signed = `sha256=${createHmac('sha256', options.secret).update(body).digest('hex')}`;
  const answer = await fetch(`${url}/v1/hooks/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/0000000',
      'x-github-event': event,
      'x-github-delivery': options.deliveryId ?? randomUUID(),
      'x-hub-signature-256': options.signature ?? signed,
    },
    body,
  });
  await answer.body?.cancel();
  return answer.status;
}
