import assert from 'node:assert/strict';
import fc from 'fast-check';
import { withoutThoughts } from '../../../server/models/think-tags.ts';

function saidOf(pieces: readonly string[]): string {
  const said = withoutThoughts();
  return pieces.map((piece) => said.push(piece)).join('') + said.close();
}

describe('what a model says, without what it thinks', () => {
  const cases: [string, string, string][] = [
    [
      'is all of it where it does not begin with thoughts',
      '  Use <think> rarely.</think>',
      '  Use <think> rarely.</think>',
    ],
    ['is what follows its thoughts', '\n <think>I wonder < / </thinking>.</think>Done.', 'Done.'],
    ['is what follows them by the tag that it began with', '<thought>a</think>b</thought>Done.', 'Done.'],
    ['is all of it where they are never closed', ' <thinking>I wonder</think', ' <thinking>I wonder</think'],
    ['is what may be a tag and is none', '<thin', '<thin'],
    ['is nothing where it is nothing', '   ', '   '],
  ];
  for (const [what, text, said] of cases) {
    it(`${what}, in whatever pieces it comes`, () => {
      fc.assert(
        fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
          const at = [0, ...cuts.sort((one, other) => one - other), text.length];
          assert.equal(saidOf(at.slice(1).map((end, index) => text.slice(at[index], end))), said);
        }),
      );
    });
  }

  it('takes time by the length of the thoughts, and not by its square', () => {
    const pieces = ['<think>', ...Array.from({ length: 300_000 }, () => 'thought '), '</think>Done.'];
    const began = performance.now();
    assert.equal(saidOf(pieces), 'Done.');
    // Some 50 ms; a search from the beginning at each piece takes minutes.
    assert.ok(performance.now() - began < 5000);
  });
});
