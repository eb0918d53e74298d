import type { Asking } from './asking.ts';
import { type OpenPreview, PortList, PreviewList, PreviewOpened } from './preview.ts';

/** The calls of the relay's client that are about previews. */
export function previewCalls({ task, request, read }: Asking) {
  return {
    /** Does not wake the task's sandbox. */
    ports: (id: string) => read(PortList, task(id, '/ports')),
    /** Refused with `conflict` where nothing listens; the message then names the ports where something does. */
    openPreview: (id: string, body: OpenPreview) =>
      read(PreviewOpened, task(id, '/previews'), { method: 'POST', json: body }),
    previews: async (id: string) => (await read(PreviewList, task(id, '/previews'))).previews,
    revokePreview: async (id: string, previewId: string): Promise<void> => {
      await request(task(id, `/previews/${encodeURIComponent(previewId)}`), { method: 'DELETE' });
    },
  };
}
