import * as z from 'zod';

/** Ports of a task's sandbox, and links under which the person sees in a browser what listens there. */

export const Port = z.number().int().min(1).max(65_535);

/** `GET /v1/tasks/{id}/ports` answers. A sandbox that is not awake is not woken for this, and listens to nothing. */
export const PortList = z.object({
  sandbox: z.enum(['awake', 'asleep', 'none']),
  ports: z.array(Port),
});
export type PortList = z.infer<typeof PortList>;

/** How long a link lives, in minutes, unless it is revoked before. */
export const DEFAULT_MINUTES = 60;
export const MAX_MINUTES = 24 * 60;

/** `POST /v1/tasks/{id}/previews` */
export const OpenPreview = z.object({
  port: Port,
  minutes: z.number().int().min(1).max(MAX_MINUTES).default(DEFAULT_MINUTES),
});
export type OpenPreview = z.input<typeof OpenPreview>;

/** A link without what opens it. */
export const PreviewLink = z.object({
  previewId: z.string(),
  port: Port,
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  expiresAt: z.number(),
  /** Whether a browser has it open: its one key is used up. */
  isOpened: z.boolean(),
});
export type PreviewLink = z.infer<typeof PreviewLink>;

/** `url` opens the preview in one browser, once. It is a credential: to be opened, not to be kept or shown around. */
export const PreviewOpened = PreviewLink.omit({ isOpened: true, createdAt: true }).extend({ url: z.url() });
export type PreviewOpened = z.infer<typeof PreviewOpened>;

/** `GET /v1/tasks/{id}/previews` answers: those that are open, newest first. */
export const PreviewList = z.object({ previews: z.array(PreviewLink) });
export type PreviewList = z.infer<typeof PreviewList>;
