import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Refusal } from './daemon-answers.ts';

/** `files/bulk-upload`: pairs of `files[n].path` and `files[n].file`. Folders on the way are made. */
export async function takeUpload(request: IncomingMessage): Promise<object> {
  const form = await new Response(await buffer(request), {
    headers: { 'content-type': request.headers['content-type'] ?? '' },
  }).formData();
  for (const [name, value] of form) {
    const index = /^files\[(\d+)\]\.file$/.exec(name)?.[1];
    if (index === undefined) continue;
    const path = form.get(`files[${index}].path`);
    if (typeof path !== 'string' || typeof value === 'string') throw new Refusal(400, `${name} has no path`);
    const target = resolve(homedir(), path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, Buffer.from(await value.arrayBuffer()));
  }
  return {};
}
