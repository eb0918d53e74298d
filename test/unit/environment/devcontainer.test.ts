import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readDevcontainer, withoutComments } from '../../../server/environment/devcontainer.ts';

describe('a devcontainer.json', () => {
  it('is read with comments and commas at ends, and text in strings is left alone', () => {
    const text = `\uFEFF// Tools
{
  "image": "node:24", /* not "node:20", */
  "postCreateCommand": "echo '// no comment, ]' /* nor this, } */ \\" // and on", // last,
  "features": { "a": [1, 2, /* three */ ], },
}`;
    assert.deepEqual(readDevcontainer(text), {
      image: 'node:24',
      stages: [[['bash', '-c', `echo '// no comment, ]' /* nor this, } */ " // and on`]]],
    });
  });

  it('has commands in three forms, in the order of a container’s life', () => {
    const text = JSON.stringify({
      postCreateCommand: { server: 'npm ci', tools: ['make', '-j', 'all $HOME'] },
      onCreateCommand: 'apt update',
      updateContentCommand: ['git', 'status'],
      postStartCommand: 'never',
    });
    assert.deepEqual(readDevcontainer(text).stages, [
      [['bash', '-c', 'apt update']],
      [['git', 'status']],
      [
        ['bash', '-c', 'npm ci'],
        ['make', '-j', 'all $HOME'],
      ],
    ]);
    assert.deepEqual(readDevcontainer('{"postCreateCommand": {}}'), { stages: [] });
  });

  for (const [why, text] of [
    ['no JSON', '{'],
    ['an open string', '{"image": "x'],
    ['an open comment', '{"image": "x" /* }'],
    ['commas alone', '[,]'],
    ['two commas', '{"a": [1,,]}'],
    ['a list', '[]'],
    ['a number for a command', '{"postCreateCommand": 7}'],
    ['commands in commands', '{"postCreateCommand": {"a": {"b": "c"}}}'],
  ] as const) {
    it(`is refused for ${why}`, () => assert.throws(() => readDevcontainer(text), SyntaxError));
  }

  it('that has none of that is the same without comments', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        assert.deepEqual(JSON.parse(withoutComments(json)), JSON.parse(json));
      }),
    );
  });
});
