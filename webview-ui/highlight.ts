import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const languages = { bash, css, diff, go, json, python, rust, sql, typescript, xml, yaml };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);
hljs.registerAliases(['js', 'jsx', 'javascript', 'mjs', 'cjs', 'mts', 'cts'], { languageName: 'typescript' });
hljs.registerAliases(['console', 'shell', 'zsh'], { languageName: 'bash' });
hljs.registerAliases(['toml'], { languageName: 'yaml' });

/** Longer code, in UTF-16 units, is shown plain: highlighting it would be felt. */
const LIMIT = 40_000;

/** Escaped HTML with `hljs-*` classes, or null where the language is unknown or the code too long. */
export function highlight(code: string, language: string): string | null {
  const name = language.toLowerCase();
  if (code.length > LIMIT || hljs.getLanguage(name) === undefined) return null;
  return hljs.highlight(code, { language: name, ignoreIllegals: true }).value;
}
