// The multi-diff editor with nothing of ours in it: read-only documents from memory, the same texts that a review of the bench has.
const { readFileSync } = require('node:fs');
const vscode = require('vscode');

exports.activate = ({ subscriptions }) => {
  const contents = new Map();
  const file = process.env.PLAIN_DIFF_FILES;
  for (const [path, base, proposal] of file ? JSON.parse(readFileSync(file, 'utf8')) : []) {
    contents.set(`base${path}`, base);
    contents.set(`proposal${path}`, proposal);
  }
  const uri = (side, path) => vscode.Uri.from({ scheme: 'plain', authority: side, path });
  subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider('plain', {
      provideTextDocumentContent: ({ authority, path }) => contents.get(authority + path),
    }),
    vscode.commands.registerCommand('plainDiff.open', () => {
      const paths = [...contents.keys()].filter((key) => key.startsWith('base/')).map((key) => key.slice(4));
      const resources = paths.map((path) => [
        uri('proposal', path),
        uri('base', path),
        uri('proposal', path),
      ]);
      return vscode.commands.executeCommand('vscode.changes', 'Plain', resources);
    }),
  );
};
