import assert from 'node:assert/strict';
import { STANDING, withCacheMarkers } from '../../../server/models/cache-markers.ts';

const MARK = { cache_control: { type: 'ephemeral' } };
const marked = (role: string, text: string) => ({ role, content: [{ type: 'text', text, ...MARK }] });

describe('the marks of what is worth caching', () => {
  const system = { role: 'system', content: 'Work.' };
  const user = { role: 'user', content: 'Do it' };
  const tool = { role: 'tool', tool_call_id: '1', content: 'text' };

  it('stand at the instructions and at the end of the conversation', () => {
    assert.deepEqual(withCacheMarkers({ model: 'm', messages: [system, user, tool] }), {
      model: 'm',
      messages: [marked('system', 'Work.'), user, { ...tool, content: marked('', 'text').content }],
    });
  });

  it('stand before the last message where the next call has another in its place, and no provider hears of that', () => {
    const standing = { role: 'user', content: 'Your plan', ...STANDING };
    assert.deepEqual(withCacheMarkers({ messages: [system, user, standing] }), {
      messages: [marked('system', 'Work.'), marked('user', 'Do it'), { role: 'user', content: 'Your plan' }],
    });
  });
});
