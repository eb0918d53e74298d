import assert from 'node:assert/strict';
import type { TaskState } from '../../../server/protocol/task.ts';
import { suggestedText, withTemplate } from '../../../server/publish/text.ts';

const said = (text: string) => ({ kind: 'text' as const, messageId: 'm', attempt: 1, text, done: true });
const turn = (...items: TaskState['turns'][number]['items']) => ({ turnId: 't', startedAt: 0, items });

describe('the suggested words of a pull request', () => {
  it('are the agent’s own', () => {
    const description = { title: ' Mend\nthe trips ', body: ' Because they were broken.\n' };
    assert.deepEqual(suggestedText({ title: 'task', description, turns: [turn(said('Done.'))] }, undefined), {
      title: 'Mend the trips',
      body: 'Because they were broken.',
    });
  });

  it('are otherwise the task’s title and the last that the agent said', () => {
    const turns = [turn(said('First.')), turn(said('Last.'), said('  '))];
    assert.deepEqual(suggestedText({ title: 'Mend it', turns }, undefined), {
      title: 'Mend it',
      body: 'Last.',
    });
    assert.deepEqual(suggestedText({ title: '', turns: [] }, undefined), { title: 'Changes', body: '' });
  });

  it('are no longer than a command may carry', () => {
    const description = { title: '😀'.repeat(300), body: 'x'.repeat(100_000) };
    const { title, body } = suggestedText({ title: 't', description, turns: [] }, undefined);
    assert.ok(title.length <= 256 && body.length <= 60_000);
    assert.ok(title.isWellFormed() && title.endsWith('…'));
  });

  for (const [what, template, expected] of [
    ['above a template that asks for nothing', '- [ ] Tests\n', 'Words\n\n- [ ] Tests'],
    [
      'under its heading for them',
      '# PR\n\n## Description:\n\n<!-- x -->\n\n## Tests\n',
      '# PR\n\n## Description:\n\nWords\n\n<!-- x -->\n\n## Tests',
    ],
    ['under a heading at the end', '## What changed?', '## What changed?\n\nWords'],
    ['with its ends of line', '## Summary\r\n\r\n- a\r\n', '## Summary\n\nWords\n\n- a'],
    ['once', 'Words\n\n- [ ] Tests', 'Words\n\n- [ ] Tests'],
  ] as const) {
    it(`stand ${what}`, () => assert.equal(withTemplate('Words', template), expected));
  }

  it('are the template’s alone where there are none', () => {
    assert.equal(withTemplate('', '- [ ] Tests\n'), '- [ ] Tests');
    assert.equal(withTemplate('', undefined), '');
  });
});
