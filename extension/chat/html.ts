/** Where the page finds its parts; every address is a webview URI, `cspSource` is the webview's own. */
export interface PanelAssets {
  /** Fresh for every page, and never shown elsewhere: the only thing that lets a script run. */
  nonce: string;
  cspSource: string;
  scriptUri: string;
  /** In this order: codicon.css, webview.css. */
  styleUris: string[];
  /** BCP 47; of the editor's display language. */
  language?: string;
}

/**
 * The panel's page. Nothing loads but our own script, styles and fonts: no inline code, no frame, no form, no network.
 * (`style-src` needs no `unsafe-inline`: React and virtua set styles through the CSSOM.)
 */
export function panelHtml({ nonce, cspSource, scriptUri, styleUris, language = 'en' }: PanelAssets): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `font-src ${cspSource}`,
    `img-src ${cspSource}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escapeHtml(language)}">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Handoff</title>
${styleUris.map((uri) => `    <link rel="stylesheet" href="${escapeHtml(uri)}">`).join('\n')}
  </head>
  <body>
    <div id="root"></div>
    <noscript>Handoff needs scripts to be enabled in this webview.</noscript>
    <script nonce="${escapeHtml(nonce)}" src="${escapeHtml(scriptUri)}"></script>
  </body>
</html>
`;
}

function escapeHtml(value: string): string {
  return value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
