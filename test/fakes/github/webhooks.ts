import { createHmac, randomUUID } from 'node:crypto';
import { request } from 'node:http';

/** Delivers what GitHub tells, signed as GitHub signs it, over a connection of its own. @returns the status of the answer */
export function deliver(
  url: string,
  event: string,
  payload: unknown,
  options: { secret: string; signature?: string },
): Promise<number> {
  const body = JSON.stringify(payload);
  const signed = `sha256=${createHmac('sha256', options.secret).update(body).digest('hex')}`;
  return new Promise((resolve, reject) => {
    const sending = request(`${url}/v1/hooks/github`, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'GitHub-Hookshot/0000000',
        'x-github-event': event,
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': options.signature ?? signed,
      },
    });
    sending.once('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sending.once('error', reject);
    sending.end(body);
  });
}
