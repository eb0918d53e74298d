import assert from 'node:assert/strict';
import { link } from '../../../webview-ui/links.ts';

describe('links in a model’s answer', () => {
  const cases: [href: string, target: ReturnType<typeof link>][] = [
    ['https://example.com/a?b#c', { kind: 'external', url: 'https://example.com/a?b#c' }],
    ['HTTP://example.com', { kind: 'external', url: 'HTTP://example.com' }],
    ['mailto:a@example.com', { kind: 'external', url: 'mailto:a@example.com' }],
    ['src/a.ts', { kind: 'file', path: 'src/a.ts', line: null }],
    ['./src/a.ts#L12', { kind: 'file', path: 'src/a.ts', line: 12 }],
    ['src/a.ts#L12-L20', { kind: 'file', path: 'src/a.ts', line: 12 }],
    ['src/a.ts:7:3', { kind: 'file', path: 'src/a.ts', line: 7 }],
    ['/src/with%20space.ts', { kind: 'file', path: 'src/with space.ts', line: null }],
    ['src/100%.ts', { kind: 'file', path: 'src/100%.ts', line: null }],
    ['javascript:alert(1)', null],
    ['java\u0000script:alert(1)', null],
    [' \u0001javascript:alert(1)', null],
    ['data:text/html,x', null],
    ['vbscript:x', null],
    ['command:workbench.action.quit', null],
    ['file:///etc/passwd', null],
    ['vscode://file/etc/passwd', null],
    ['//evil.example/x', null],
    ['\\\\evil.example\\x', null],
    ['https:evil', null],
    ['#section', null],
    ['', null],
  ];
  for (const [href, target] of cases) {
    it(`${JSON.stringify(href)} goes ${target === null ? 'nowhere' : `to a ${target.kind}`}`, () => {
      assert.deepEqual(link(href), target);
    });
  }

  it('a file link never leaves the repository by its encoding', () => {
    assert.deepEqual(
      ['../secret', 'a/../../b', '%2e%2e/secret', 'a/%2e%2e/%2e%2e/b', '%2F%2Fevil.example/x', 'c%3A/x'].map(
        link,
      ),
      [null, null, null, null, null, null],
    );
  });
});
