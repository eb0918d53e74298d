import { ExpectedError } from '../ui/failure.ts';

/** Where the editor's parts are to each other. */
export interface Whereabouts {
  /** Whether the relay is on the machine that this extension runs on. */
  isRelayHere: boolean;
  /** The address by which the person's browser reaches one of this extension's machine: the editor forwards ports where the two differ. */
  forward: (url: string) => Promise<string>;
  translate: (message: string, ...args: string[]) => string;
}

/**
 * The link as the person's browser reaches it. Names below localhost lead to the browser's own machine: where that is another one than
 * the relay's, the editor forwards the port, and the name stays.
 */
export async function browserUrl(
  link: string,
  { isRelayHere, forward, translate }: Whereabouts,
): Promise<string> {
  const url = new URL(link);
  if (!url.hostname.endsWith('.localhost')) return link;
  if (!isRelayHere) throw outOfReach(translate);
  const forwarded = new URL(await forward(`http://localhost:${url.port}/`));
  if (forwarded.protocol !== 'http:' || !['localhost', '127.0.0.1'].includes(forwarded.hostname))
    throw outOfReach(translate);
  url.port = forwarded.port;
  return url.href;
}

function outOfReach(translate: Whereabouts['translate']): ExpectedError {
  return new ExpectedError(
    'not_ready',
    translate('The relay shows previews on its own machine only, which your browser does not reach.'),
    translate(
      'Set HANDOFF_PREVIEW_URL where the relay runs, such as https://{id}.preview.example.com; the README says how.',
    ),
  );
}
