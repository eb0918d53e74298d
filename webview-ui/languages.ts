import type { HLJSApi, Language, Mode } from 'highlight.js';

/**
 * Grammars for what the snippets of an answer need: words, strings, comments, numbers, and names before a parenthesis.
 * highlight.js brings its own for these languages, but with every built-in: 8 KB, for which the bundle has no room.
 */

/** What a keyword is taken for, each a list separated by spaces. */
interface Words {
  keyword: string;
  literal: string;
  type: string;
}

/** Without flags, which highlight.js leaves out when it compiles a pattern. */
const number: Mode = { className: 'number', begin: /\b\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?\w*/ };

/** @param contains what is looked for before numbers and calls, in this order */
function grammar({ keyword, literal, type }: Words, contains: Mode[]): Language {
  const known = `${keyword} ${literal} ${type}`.replaceAll(' ', '|');
  const called: Mode = { className: 'title', begin: `\\b(?!(?:${known})\\b)[a-zA-Z_]\\w*(?=\\()` };
  return { keywords: { keyword, literal, type }, contains: [...contains, number, called] };
}

export function python(hljs: HLJSApi): Language {
  return grammar(
    {
      keyword:
        'and as assert async await break case class continue def del elif else except finally for from global if ' +
        'import in is lambda match nonlocal not or pass raise return try while with yield',
      literal: 'False None True',
      type: 'bool bytes dict float int list object set str tuple',
    },
    [
      hljs.HASH_COMMENT_MODE,
      { className: 'string', begin: /"""/, end: /"""/, contains: [hljs.BACKSLASH_ESCAPE] },
      { className: 'string', begin: /'''/, end: /'''/, contains: [hljs.BACKSLASH_ESCAPE] },
      hljs.APOS_STRING_MODE,
      hljs.QUOTE_STRING_MODE,
      { className: 'meta', begin: /^[\t ]*@[\w.]+/ },
    ],
  );
}

export function go(hljs: HLJSApi): Language {
  return grammar(
    {
      keyword:
        'break case chan const continue default defer else fallthrough for func go goto if import interface map ' +
        'package range return select struct switch type var',
      literal: 'false iota nil true',
      type:
        'any bool byte error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 ' +
        'uint64 uintptr',
    },
    [
      hljs.C_LINE_COMMENT_MODE,
      hljs.C_BLOCK_COMMENT_MODE,
      hljs.QUOTE_STRING_MODE,
      hljs.APOS_STRING_MODE,
      { className: 'string', begin: /`/, end: /`/ },
    ],
  );
}

export function rust(hljs: HLJSApi): Language {
  return grammar(
    {
      keyword:
        'as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move ' +
        'mut pub ref return self Self static struct super trait type unsafe use where while',
      literal: 'Err None Ok Some false true',
      type: 'bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize Box Option Result String Vec',
    },
    [
      hljs.C_LINE_COMMENT_MODE,
      hljs.C_BLOCK_COMMENT_MODE,
      { className: 'string', begin: /\bb?r(#*)"[\s\S]*?"\1(?!#)/ },
      { className: 'string', begin: /"/, end: /"/, contains: [hljs.BACKSLASH_ESCAPE] },
      { className: 'string', begin: /'(?:\\.[^']*|[^'\\])'/ },
      { className: 'meta', begin: /#!?\[/, end: /\]/ },
    ],
  );
}
