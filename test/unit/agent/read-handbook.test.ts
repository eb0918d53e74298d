import assert from 'node:assert/strict';
import { readRules } from '../../../server/agent/read-handbook.ts';
import { SandboxError } from '../../../server/sandbox/sandbox.ts';

/** What is read of a workspace with these two files. */
const rules = (files: Record<string, string>, hide = (text: string): string => text) =>
  readRules(
    {
      readFile: async (path, range) => {
        const file = files[path];
        if (file === undefined || range === undefined) throw new SandboxError('not-found', path);
        const data = Buffer.from(file);
        return {
          data: data.subarray(range.offset, range.offset + range.length),
          size: data.byteLength,
          sha256: '',
        };
      },
    },
    hide,
  );

describe('what a workspace tells its agents', () => {
  it('is nothing where there is none, or nothing in it', async () =>
    assert.deepEqual(await rules({ 'AGENTS.md': ' \n' }), { agentsMd: undefined, lessons: undefined }));

  it('is both files as they are', async () =>
    assert.deepEqual(await rules({ 'AGENTS.md': 'Be kind.\n', 'lessons-learned.md': '- One.\n' }), {
      agentsMd: 'Be kind.\n',
      lessons: '- One.\n',
    }));

  it('is of too long a file its beginning, or of lessons its end, whole characters, and that it is only that', async () => {
    const lesson = '- Größe: ungeprüft ✓.\n';
    const size = Buffer.byteLength(lesson) * 100_000;
    const { agentsMd, lessons } = await rules({
      'AGENTS.md': `a${'é'.repeat(500_000)}`,
      'lessons-learned.md': `- The oldest.\n${lesson.repeat(100_000)}`,
    });
    assert.equal(
      agentsMd,
      `a${'é'.repeat(31_999)}\n[AGENTS.md is longer: 1000001 bytes. Read the rest where you need it.]`,
    );
    assert.equal(
      lessons,
      `[Older lessons are left out: lessons-learned.md has ${size + 14} bytes. Read the rest where you need it.]\n${lesson.repeat(Math.floor(12_000 / lesson.length) - (12_000 % lesson.length === 0 ? 1 : 0))}`,
    );
  });

  it('shows no secret, also where it is cut', async () => {
    const hide = (text: string): string => text.replaceAll('canary-9f8e7d', '***');
    const { agentsMd, lessons } = await rules(
      {
        'AGENTS.md': `${'a'.repeat(31_995)}canary-9f8e7d${'b'.repeat(200_000)}`,
        'lessons-learned.md': `- old\n${'c'.repeat(200_000)}\n- canary-9f8e7d`,
      },
      hide,
    );
    assert.equal(
      agentsMd,
      `${'a'.repeat(31_995)}***bb\n[AGENTS.md is longer: 232008 bytes. Read the rest where you need it.]`,
    );
    assert.equal(lessons?.split('\n').at(-1), '- ***');
  });
});
