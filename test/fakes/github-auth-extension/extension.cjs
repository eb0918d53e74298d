// Signs in to the GitHub double. It takes the place of VS Code's own `vscode.github-authentication`, which must not be there:
// the id `github` can be registered once. VS Code itself still asks the person for consent before `createSession`.
//
// The account comes from the environment of the extension host; the defaults are those of test/fakes/github/main.ts.
const vscode = require('vscode');

const {
  FAKE_GITHUB_LOGIN: login = 'sam',
  FAKE_GITHUB_ID: id = '101',
  FAKE_GITHUB_TOKEN: accessToken = 'gho_fake',
} = process.env;

exports.activate = (context) => {
  const changed = new vscode.EventEmitter();
  /** @type {import('vscode').AuthenticationSession[]} */
  let sessions = [];
  const provider = {
    onDidChangeSessions: changed.event,
    getSessions: async (scopes = []) =>
      sessions.filter((session) => scopes.every((scope) => session.scopes.includes(scope))),
    createSession: async (scopes) => {
      const session = {
        id: `session-${sessions.length + 1}`,
        accessToken,
        account: { id, label: login },
        scopes,
      };
      sessions = [...sessions, session];
      changed.fire({ added: [session], removed: [], changed: [] });
      return session;
    },
    removeSession: async (sessionId) => {
      const removed = sessions.filter((session) => session.id === sessionId);
      sessions = sessions.filter((session) => session.id !== sessionId);
      changed.fire({ added: [], removed, changed: [] });
    },
  };
  context.subscriptions.push(
    changed,
    vscode.authentication.registerAuthenticationProvider('github', 'GitHub', provider, {
      supportsMultipleAccounts: false,
    }),
  );
};
