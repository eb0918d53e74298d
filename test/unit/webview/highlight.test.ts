import assert from 'node:assert/strict';
import { highlight } from '../../../webview-ui/highlight.ts';

/** What is coloured in a text, as `class: text`. */
function coloured(code: string, language: string): string[] {
  const html = highlight(code, language) ?? '';
  const spans = html.matchAll(/<span class="hljs-(\w+)[^"]*">([^<]*)<\/span>/g);
  return [...spans].map(
    ([, kind, text]) => `${kind}: ${text?.replaceAll('&quot;', '"').replaceAll('&#x27;', "'")}`,
  );
}

describe('colours of code', () => {
  it('python', () => {
    const code =
      '@cached\ndef total(items: list) -> int:\n    """It\'s "all" of it."""\n    return f"{len(items)}" if 0x1F else None  # why';
    assert.deepEqual(coloured(code, 'py'), [
      ...['meta: @cached', 'keyword: def', 'title: total', 'type: list', 'type: int'],
      ...['string: """It\'s "all" of it."""', 'keyword: return', 'string: "{len(items)}"', 'keyword: if'],
      ...['number: 0x1F', 'keyword: else', 'literal: None', 'comment: # why'],
    ]);
  });

  it('go', () => {
    const code = 'func sum(xs []int) string { // adds\n\treturn fmt.Sprint(`a "b"`, "c", nil, 1.5e3)\n}';
    assert.deepEqual(coloured(code, 'go'), [
      ...['keyword: func', 'title: sum', 'type: int', 'type: string', 'comment: // adds', 'keyword: return'],
      ...['title: Sprint', 'string: `a "b"`', 'string: "c"', 'literal: nil', 'number: 1.5e3'],
    ]);
  });

  it('rust, where a quote may begin a lifetime', () => {
    const code =
      '#[test]\nfn first<\'a>(x: &\'a str) -> Option<char> { let y = r#"a "b""#; Some(\'c\') } // 1u8';
    assert.deepEqual(coloured(code, 'rs'), [
      ...['meta: #[test]', 'keyword: fn', 'type: str', 'type: Option', 'type: char', 'keyword: let'],
      ...['string: r#"a "b""#', 'literal: Some', "string: 'c'", 'comment: // 1u8'],
    ]);
  });

  it('of a language that is not known are none', () => {
    assert.equal(highlight('x', 'cobol'), null);
  });
});
