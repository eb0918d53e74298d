/** Pages of Handoff's own, where a preview has nothing else to show. They contain no script, and ask for nothing. */
export interface Page {
  status: number;
  title: string;
  /** One paragraph each: what is so, why, and what to do. */
  text: string[];
  /** Asks again by itself, so many seconds later. */
  refreshAfter?: number;
  /** A button that posts to this path. */
  button?: { label: string; path: string };
}

const AGAIN = 2;

/** The same for what never was, what is somebody else's and what needs a key. */
export const NOTHING: Page = {
  status: 404,
  title: 'No preview here',
  text: [
    'There is no preview under this address in this browser.',
    'Open one from the task’s chat in Handoff.',
  ],
};

export const OVER: Page = {
  status: 410,
  title: 'This preview has ended',
  text: [
    'Its link has expired, was revoked, or was opened before: a link opens in one browser, once.',
    'Open the preview again from the task’s chat in Handoff.',
  ],
};

export const FOREIGN: Page = {
  status: 403,
  title: 'Not from another page',
  text: ['Another page asked for something of this preview. A preview answers only to itself.'],
};

export const CROWDED: Page = {
  status: 503,
  title: 'Too many connections',
  text: [
    'This preview has too many connections open at once.',
    'Close some of its tabs, then load it again.',
  ],
};

export const GONE: Page = {
  status: 503,
  title: 'No sandbox',
  text: ['The task has no sandbox now.', 'Send it a message in Handoff, and start the server again.'],
};

export const MALFORMED: Page = {
  status: 400,
  title: 'Bad request',
  text: ['The request does not say what it asks for in a way that has one meaning.'],
};

export const FAILED: Page = {
  status: 500,
  title: 'The preview failed',
  text: ['Something unexpected failed in the relay; its log has the details.', 'Try again in a moment.'],
};

export const silent = (port: number): Page => ({
  status: 502,
  title: `Nothing answers on port ${port} yet`,
  text: [
    `The sandbox is awake, and no server in it takes connections on port ${port}.`,
    'This page looks again by itself. A server that the agent starts ends with the agent’s turn; the services of the repository’s .handoff/config.json go on.',
  ],
  refreshAfter: AGAIN,
});

export const incomprehensible = (port: number): Page => ({
  status: 502,
  title: `Port ${port} does not speak HTTP`,
  text: [
    `What listens on port ${port} closed the connection, or answered something that is no web page.`,
    'Open another port of the task, or look at the server’s output in the chat.',
  ],
});

/** @param wakePath where a POST wakes it */
export function asleep(is: { isWaking: boolean; failure?: string }, wakePath: string): Page {
  if (is.isWaking)
    return {
      status: 503,
      title: 'The sandbox wakes up',
      text: ['This page looks again by itself.'],
      refreshAfter: AGAIN,
    };
  return {
    status: 503,
    title: 'The sandbox sleeps',
    text: [
      ...(is.failure === undefined ? [] : [`It could not be woken. ${is.failure}`]),
      'It was idle. Its files are kept; servers that ran in it have ended, and those that the repository does not start by itself must be started again.',
    ],
    button: { label: 'Wake it', path: wakePath },
  };
}

/** Allows the style below and the button, and nothing else. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'cache-control': 'no-store',
  // Not `no-referrer`: the button would post without an origin.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

const STYLE =
  'html{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:34rem;margin:15vh auto;padding:0 1rem}' +
  'h1{font-size:1.4rem}button{font:inherit;padding:.4rem 1.2rem}';

export function html({ title, text, refreshAfter, button }: Page): string {
  const refresh = refreshAfter === undefined ? '' : `<meta http-equiv="refresh" content="${refreshAfter}">`;
  const form =
    button === undefined
      ? ''
      : `<form method="post" action="${escaped(button.path)}"><button>${escaped(button.label)}</button></form>`;
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">${refresh}` +
    `<title>${escaped(title)}</title><style>${STYLE}</style><main><h1>${escaped(title)}</h1>` +
    `${text.map((paragraph) => `<p>${escaped(paragraph)}</p>`).join('')}${form}</main></html>`
  );
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
