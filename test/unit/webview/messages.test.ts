import assert from 'node:assert/strict';
import { panelHtml } from '../../../extension/chat/html.ts';
import { isFromPanel } from '../../../extension/chat/messages.ts';

describe('messages from the panel', () => {
  const answer = { type: 'answer', clientId: 'client-1', taskId: 't', questionId: 'q' };

  it('are known by their type and fields', () => {
    const good = [
      { type: 'ready', taskId: null },
      { type: 'delegate', clientId: 'client-1', text: 'fix it', selection: [{ path: 'a.ts', startLine: 1 }] },
      { type: 'openFile', taskId: 't', path: 'a.ts', line: null },
      { type: 'newTask' },
      { type: 'stopAgent', taskId: 't', agentId: 'u:m1c0' },
      { type: 'taskAction', taskId: 't', action: 'apply' },
      { type: 'rollBack', taskId: 't', turnId: 'u' },
      { ...answer, answer: { kind: 'choice', label: 'Yes' } },
      { ...answer, answer: { kind: 'text', text: 'Yes' } },
      { type: 'editMessage', clientId: 'client-1', taskId: 't', messageId: 'm', text: 'x' },
      { type: 'withdrawMessage', clientId: 'client-1', taskId: 't', messageId: 'm' },
    ];
    assert.deepEqual(
      good.map((message) => isFromPanel(message)),
      good.map(() => true),
    );
  });

  it('are refused where a field is missing, of another type, or the type is unknown', () => {
    const bad = [
      null,
      'ready',
      {},
      { type: 'ready' },
      { type: 'stop', taskId: 7 },
      { type: 'stopAgent', taskId: 't' },
      { type: 'openFile', taskId: 't', path: 'a.ts', line: 0 },
      { type: 'delegate', clientId: 'client-1', text: 'x', selection: [{ startLine: 1 }] },
      { type: 'send', clientId: 'client-1', taskId: 't', text: 'x', selection: 'none' },
      answer,
      { ...answer, answer: { kind: 'choice', text: 'Yes' } },
      { ...answer, answer: { kind: 'text' } },
      { ...answer, answer: 'Yes' },
      { type: 'withdrawMessage', clientId: 'client-1', taskId: 't' },
      { type: 'taskAction', taskId: 't', action: 'constructor' },
      { type: 'constructor' },
      { type: 'toString' },
    ];
    assert.deepEqual(
      bad.filter((message) => isFromPanel(message)),
      [],
    );
  });
});

describe('the page of the panel', () => {
  const assets = {
    nonce: 'n0nce',
    cspSource: 'https://*.vscode-cdn.net',
    scriptUri: 'https://x/webview.js?a=1&b=2',
    styleUris: ['https://x/codicon.css', 'https://x/webview.css'],
  };

  it('allows its own script by nonce, its own styles and fonts, and nothing else', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(panelHtml(assets))?.[1];
    assert.equal(
      policy,
      [
        "default-src 'none'",
        "script-src 'nonce-n0nce'",
        'style-src https://*.vscode-cdn.net',
        'font-src https://*.vscode-cdn.net',
        'img-src https://*.vscode-cdn.net',
        "base-uri 'none'",
        "form-action 'none'",
      ].join('; '),
    );
  });

  it('has no inline code, and escapes what it is given', () => {
    const html = panelHtml({ ...assets, language: '"><script>' });
    assert.deepEqual(html.match(/<script[^>]*>/g), [
      '<script nonce="n0nce" src="https://x/webview.js?a=1&#38;b=2">',
    ]);
    assert.equal(/\son\w+=|style="/.test(html), false);
    assert.match(html, /<html lang="&#34;&#62;&#60;script&#62;">/);
  });
});
