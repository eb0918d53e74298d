import assert from 'node:assert/strict';
import fc from 'fast-check';
import { costMicros, mostMicros, tokensAtMost } from '../../../server/models/price.ts';
import { raiseFor, spendQuestion } from '../../../server/models/spend-question.ts';

const PRICE = { input: 3, output: 15, cachedInput: 0.3 };
const NONE = { input: 0, output: 0 };

describe('what a call costs', () => {
  it('is its tokens at their prices, the cached ones at theirs, rounded up', () => {
    const usage = { inputTokens: 1000, cachedInputTokens: 400, outputTokens: 10 };
    assert.equal(costMicros(PRICE, usage, NONE), 600 * 3 + 400 * 0.3 + 10 * 15);
    assert.equal(costMicros({ input: 3, output: 15 }, usage, NONE), 1000 * 3 + 10 * 15);
    assert.equal(costMicros({ input: 0.1, output: 0 }, { inputTokens: 1, outputTokens: 0 }, NONE), 1);
  });

  it('is counted by what was sent and came where the provider tells nothing', () => {
    assert.equal(costMicros(PRICE, {}, { input: 100, output: 20 }), 100 * 3 + 20 * 15);
  });

  it('is never more than was reserved, where the provider keeps to its limits', () => {
    const tokens = fc.nat(1_000_000);
    const cents = fc.nat(10_000).map((price) => price / 100);
    fc.assert(
      fc.property(
        tokens,
        tokens,
        fc.nat(100),
        cents,
        cents,
        fc.option(cents, { nil: undefined }),
        (sent, answer, share, input, output, cached) => {
          const price = { input, output, ...(cached === undefined ? {} : { cachedInput: cached }) };
          const usage = {
            inputTokens: sent,
            cachedInputTokens: Math.floor((sent * share) / 100),
            outputTokens: answer,
          };
          assert.ok(costMicros(price, usage, NONE) <= mostMicros(price, sent, answer));
        },
      ),
    );
  });

  it('is estimated with more tokens than text has, with images as images, and within the window', () => {
    assert.equal(tokensAtMost(['x'.repeat(296)], 1000), 100);
    const file = (mediaType: string) => [{ type: 'file', data: 'A'.repeat(30_000), mediaType }];
    assert.equal(tokensAtMost(file('image/png'), 100_000), 2006);
    assert.equal(tokensAtMost(file('application/pdf'), 100_000), 10_019);
    assert.equal(tokensAtMost(['x'.repeat(9000)], 1000), 1000);
  });
});

describe('the question before a cap would be passed', () => {
  const held = { cap: 'turn' as const, limitMicros: 5_000_000, usedMicros: 4_870_000, neededMicros: 412_345 };

  it('says what it is about, and what each answer does', () => {
    assert.deepEqual(spendQuestion(held, raiseFor(5_000_000, held)), {
      question:
        'The next model call could cost up to $0.42. Of the $5.00 that this turn may cost, $4.87 are used or reserved. How is it to go on?',
      options: [
        { label: 'Go on', description: 'Another $5.00 may be spent for this turn.' },
        { label: 'Stop here', description: 'The turn ends. What was done is kept.' },
      ],
      freeText: false,
    });
  });

  it('promises nothing that is not the person’s to give', () => {
    assert.deepEqual(spendQuestion({ ...held, cap: 'day' }, 0).options[0], {
      label: 'Go on',
      description:
        'Only once there is room again: the cap is the relay’s owner’s to raise, and counts from midnight (UTC).',
    });
  });

  it('says nothing of what others spend', () => {
    assert.equal(
      spendQuestion({ cap: 'day', neededMicros: 412_345 }, 0).question,
      'The next model call could cost up to $0.42. That is more than is left of what all tasks of this relay may cost in a day. How is it to go on?',
    );
  });

  it('adds at least what the call needs', () => {
    assert.equal(raiseFor(100, { ...held, limitMicros: 100, usedMicros: 90, neededMicros: 500 }), 490);
  });
});
