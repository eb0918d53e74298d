import assert from 'node:assert/strict';
import type { ModelMessage } from 'ai';
import { takenBy } from '../../../../server/agent/context/taken-by.ts';

describe('a conversation for a model that takes less than the one before it', () => {
  it('has words where it cannot be shown a file, and is as it was for one that can', () => {
    const text = { type: 'text' as const, text: 'Look:' };
    const png = { type: 'file' as const, data: 'AAAA', mediaType: 'image/png' };
    const pdf = { type: 'file' as const, data: 'AAAA', mediaType: 'application/pdf' };
    const messages: ModelMessage[] = [
      { role: 'user', content: 'Hello' },
      { role: 'user', content: [text, png, pdf] },
    ];
    const without = (mediaType: string) => ({
      type: 'text',
      text: `[${mediaType}: the model that is asked now cannot be shown this]`,
    });
    assert.equal(takenBy({ abilities: { images: true, pdf: true } }, messages), messages);
    assert.deepEqual(takenBy({ abilities: { images: true, pdf: false } }, messages), [
      messages[0],
      { role: 'user', content: [text, png, without('application/pdf')] },
    ]);
    assert.deepEqual(takenBy({ abilities: { images: false, pdf: false } }, messages), [
      messages[0],
      { role: 'user', content: [text, without('image/png'), without('application/pdf')] },
    ]);
  });
});
