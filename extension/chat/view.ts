import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { panelHtml } from './html.ts';
import { type FromPanel, type FromPanelHandlers, isFromPanel, type ToPanel } from './messages.ts';

export interface ChatViewDeps {
  /** Where the panel's bundle, styles and font are. */
  distUri: vscode.Uri;
  handlers: () => FromPanelHandlers;
  onDisconnect: () => void;
  /** The view is on screen, or is no longer. */
  onVisible: (visible: boolean) => void;
  report: (error: unknown) => void;
}

export type ChatView = ReturnType<typeof createChatView>;

/** The webview that holds the panel. It keeps no state: a hidden view loses its page, and asks again with `ready`. */
export function createChatView({ distUri, handlers, onDisconnect, onVisible, report }: ChatViewDeps) {
  let view: vscode.WebviewView | undefined;
  let badge: vscode.ViewBadge | undefined;

  async function receive(message: unknown): Promise<void> {
    if (!isFromPanel(message)) return;
    const handle = handlers()[message.type] as (message: FromPanel) => void | Promise<void>;
    try {
      await handle(message);
    } catch (error) {
      report(error);
    }
  }

  const provider: vscode.WebviewViewProvider = {
    resolveWebviewView(resolved) {
      view = resolved;
      view.badge = badge;
      const { webview } = resolved;
      webview.options = { enableScripts: true, localResourceRoots: [distUri] };
      const at = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(distUri, name)).toString();
      webview.onDidReceiveMessage(receive);
      resolved.onDidChangeVisibility(() => {
        if (!resolved.visible) onDisconnect();
        onVisible(resolved.visible);
      });
      resolved.onDidDispose(() => {
        view = undefined;
        onDisconnect();
        onVisible(false);
      });
      webview.html = panelHtml({
        nonce: randomBytes(24).toString('base64url'),
        cspSource: webview.cspSource,
        scriptUri: at('webview.js'),
        styleUris: [at('codicon.css'), at('webview.css')],
        language: vscode.env.language,
      });
      onVisible(resolved.visible);
    },
  };

  return {
    provider,
    post: (message: ToPanel): void => void view?.webview.postMessage(message),
    /** How many tasks wait for the person; none hides it. */
    setBadge(count: number): void {
      badge =
        count === 0
          ? undefined
          : { value: count, tooltip: vscode.l10n.t('Tasks that wait for you: {0}', count) };
      if (view) view.badge = badge;
    },
    isVisible: (): boolean => view?.visible ?? false,
    async reveal(): Promise<void> {
      await vscode.commands.executeCommand('handoff.chat.focus');
    },
  };
}
