import assert from 'node:assert/strict';
import { highlight } from '../../../webview-ui/highlight.ts';

describe('colours of code', () => {
  it('are there for the names that people give to a language', () => {
    for (const name of [
      'ts',
      'js',
      'jsx',
      'py',
      'rs',
      'go',
      'sh',
      'console',
      'json',
      'css',
      'sql',
      'yml',
      'toml',
      'html',
      'diff',
    ]) {
      assert.equal(typeof highlight('x = 1', name), 'string', name);
    }
    assert.equal(highlight('None', 'python'), '<span class="hljs-literal">None</span>');
  });

  it('are none for a language that is not known', () => {
    assert.equal(highlight('x', 'cobol'), null);
  });
});
