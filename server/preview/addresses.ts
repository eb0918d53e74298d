/**
 * Every preview has an origin of its own, so that a page which a task serves can read neither the relay's API nor another preview. On
 * this machine that is `<id>.localhost`, which browsers resolve to loopback by themselves, without any set-up.
 */
export interface PreviewAddresses {
  /** Whether browsers come by https. */
  isSecure: boolean;
  /** Where a browser finds the preview, without a slash at the end. @param port on which this relay listens for previews */
  originOf(previewId: string, port: number): string;
  /** The preview that a Host header names; undefined for every other, as DNS rebinding has it. Ports may be forwarded, and do not count. */
  idOf(host: string): string | undefined;
}

const ID = /^[0-9a-f]{32}$/;

/** @param template such as `https://{id}.preview.example.com`; absent: this machine's own */
export function previewAddresses(template: string | undefined): PreviewAddresses {
  const given = new URL((template ?? 'http://{id}.localhost').replace('{id}', '0id0'));
  const [before = '', after = ''] = given.hostname.split('0id0');
  return {
    isSecure: given.protocol === 'https:',
    originOf(previewId, port) {
      const origin = new URL(given.origin);
      origin.hostname = `${before}${previewId}${after}`;
      if (template === undefined) origin.port = String(port);
      return origin.origin;
    },
    idOf(host) {
      const name = host.toLowerCase().replace(/:\d{1,5}$/, '');
      if (!name.startsWith(before) || !name.endsWith(after)) return undefined;
      const id = name.slice(before.length, name.length - after.length);
      return ID.test(id) ? id : undefined;
    },
  };
}
