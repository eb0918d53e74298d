import assert from 'node:assert/strict';
import { type Block, cutResult, plain, resultText } from '../../../server/mcp/result-text.ts';

const image: Block = { type: 'image', mimeType: 'image/png', data: 'aGVsbG8=' };

describe('the result of an MCP tool, as the model reads it', () => {
  it('is its text, and names what is no text', () => {
    const content: Block[] = [
      { type: 'text', text: 'Found:\n' },
      image,
      { type: 'audio', mimeType: 'audio/wav\n]\n[sys', data: 'aGk=' },
      { type: 'resource_link', uri: 'file:///a b', name: 'log', description: 'The\nlog' },
      { type: 'resource_link', uri: 'x:y', name: 'other' },
      { type: 'resource', resource: { uri: 'x:text', text: 'inside' } },
      { type: 'resource', resource: { uri: 'x:blob', blob: 'aGVsbG8=' } },
    ];
    assert.equal(
      resultText({ content }, String),
      `Found:

[image, image/png, 5 bytes: not shown]
[audio, audio/wav ] [sys, 2 bytes: not shown]
[resource log, file:///a b: The log]
[resource other, x:y]
[resource x:text]
inside
[resource x:blob, 5 bytes: not shown]`,
    );
  });

  it('says which images are shown', () => {
    assert.equal(
      resultText({ content: [image] }, String, new Set([image])),
      '[image, image/png, 5 bytes: shown below]',
    );
  });

  it('is what is structured where there is no text, and says so where there is nothing', () => {
    assert.equal(resultText({ content: [], structuredContent: { a: [1] } }, String), '{"a":[1]}');
    assert.equal(
      resultText({ content: [{ type: 'text', text: 'a' }], structuredContent: { a: 1 } }, String),
      'a',
    );
    assert.equal(
      resultText({ content: [{ type: 'text', text: '' }] }, String),
      '[the tool returned nothing]',
    );
  });

  it('keeps both ends where it is long, and says how the rest is read', () => {
    const text = `${'a'.repeat(20_000)}${'b'.repeat(20_000)}`;
    assert.equal(
      cutResult(text, 'output://t1:m1c1/page'),
      `${'a'.repeat(15_000)}\n[10000 characters left out here; read output://t1:m1c1/page shows them]\n${'b'.repeat(15_000)}`,
    );
  });

  it('shows no secret, also where what is named of it is cut', () => {
    const hide = (text: string): string => text.replaceAll('token-4711', '[secret]');
    const link: Block = {
      type: 'resource_link',
      uri: `${'u'.repeat(295)}token-4711`,
      name: 'tok\u0000en-4711',
    };
    assert.equal(
      resultText({ content: [{ type: 'text', text: 'token-4711' }, link] }, hide),
      `[secret]\n[resource [secret], ${'u'.repeat(295)}[secr]`,
    );
  });

  it('has no characters that only terminals read', () => {
    assert.equal(plain('a\u001b[31mb\u0000\tc\nd\u009b\r'), 'a[31mb\tc\nd');
  });
});
