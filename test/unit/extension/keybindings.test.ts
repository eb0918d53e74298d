import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';

const Manifest = z.object({
  contributes: z.object({
    commands: z.array(z.object({ command: z.string() })),
    keybindings: z.array(
      z.object({ command: z.string(), key: z.string(), mac: z.string().optional(), when: z.string() }),
    ),
  }),
});

describe('the keys', () => {
  const manifest = readFileSync(path.resolve(import.meta.dirname, '../../../package.json'), 'utf8');
  const { keybindings, commands } = Manifest.parse(JSON.parse(manifest)).contributes;

  it('do one thing each, for of two bindings the editor silently takes the later', () => {
    for (const platform of ['key', 'mac'] as const) {
      const keys = keybindings.map((binding) => binding[platform] ?? binding.key);
      assert.deepEqual(keys.toSorted(), [...new Set(keys)].toSorted(), platform);
    }
  });

  it('run commands that there are, and only in a review', () => {
    const known = new Set(commands.map(({ command }) => command));
    assert.deepEqual(
      keybindings.filter(({ command, when }) => !known.has(command) || !when.includes('review')),
      [],
    );
  });
});
