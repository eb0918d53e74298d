import { fileURLToPath } from 'node:url';
import { AppError } from '../errors.ts';

/** A place that Git may fetch from or push to. */
export interface Transport {
  /** What Git is given: an http(s) URL without credentials, or an absolute path. */
  address: string;
  protocol: 'https' | 'http' | 'file';
  /** Scheme and host of an http(s) one, with a slash at the end. */
  origin: string | undefined;
}

/** Of `file:` sources, for whoever may not have this machine's files read. */
export const filesNotAllowed = (): AppError =>
  new AppError('source_not_allowed', 'Only the relay’s owner may use repositories on its machine.', {
    nextAction: 'Name a repository by https, or upload a bundle of it.',
  });

/** Whether `parseTransport` would take the URL for a folder of this machine, however it is written. */
export const isFileUrl = (url: string): boolean => URL.canParse(url) && new URL(url).protocol === 'file:';

/**
 * The one gate for addresses that come from outside. Refuses everything that is not plain https, http or (where allowed) file:
 * other transports run programs (`ext::`), use the relay's own keys (`ssh`), and a leading dash would be an option.
 */
export function parseTransport(url: string, options: { allowFileUrls: boolean }): Transport {
  const parsed = URL.canParse(url) && !/[\s\0-\x1f\x7f]/.test(url) ? new URL(url) : undefined;
  const protocol = parsed?.protocol.slice(0, -1);
  if (parsed === undefined || (protocol !== 'https' && protocol !== 'http' && protocol !== 'file')) {
    throw refusal('Only https, http and file URLs are fetched from or pushed to.', {
      nextAction: 'Use the https address of the repository.',
    });
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw refusal('The repository URL carries a user name or a password.', {
      nextAction:
        'Remove everything before the @; a token is taken from the GitHub sign-in when it is needed.',
    });
  }
  if (protocol !== 'file') {
    return { address: url, protocol, origin: `${parsed.origin}/` };
  }
  if (!options.allowFileUrls) {
    throw refusal(
      'This relay serves other machines, so it does not read repositories of its own file system.',
      {
        nextAction: 'Upload a bundle of the repository, or use its https address.',
      },
    );
  }
  if (parsed.host !== '' || parsed.search !== '' || parsed.hash !== '') {
    throw refusal('The file URL does not name a folder of this machine.', {
      nextAction: 'Use file:///absolute/path/to/the/repository.',
    });
  }
  return { address: fileURLToPath(parsed), protocol, origin: undefined };
}

function refusal(message: string, options: { nextAction: string }): AppError {
  return new AppError('source_not_allowed', message, options);
}
