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

const TEXT = 'editorTextFocus';
const ROWS = 'focusedView == handoff.review && listFocus';
/** Where the focus has to be: never in both at once. */
const placesOf = (when: string) => [TEXT, ROWS].filter((place) => when.includes(place));

describe('the keys', () => {
  const manifest = readFileSync(path.resolve(import.meta.dirname, '../../../package.json'), 'utf8');
  const { keybindings, commands } = Manifest.parse(JSON.parse(manifest)).contributes;

  it('do one thing each, for of two bindings the editor silently takes the later', () => {
    for (const platform of ['key', 'mac'] as const) {
      const keys = keybindings.flatMap((binding) =>
        placesOf(binding.when).map((place) => `${binding[platform] ?? binding.key} in ${place}`),
      );
      assert.deepEqual(keys.toSorted(), [...new Set(keys)].toSorted(), platform);
    }
  });

  it('work where a text or the rows of the review have the focus, and nowhere that something else is written', () => {
    const isLoose = (when: string) =>
      placesOf(when).length === 0 || (when.includes(TEXT) && !when.includes('!commentEditorFocused'));
    assert.deepEqual(
      keybindings.filter(({ when }) => isLoose(when)),
      [],
    );
  });

  it('are none on a Mac that the person types with', () => {
    const isTyped = (key: string) => /^(alt|shift|\+)*\+([a-z]|backspace)$/.test(key);
    assert.deepEqual(
      keybindings.filter(({ key, mac = key }) => isTyped(mac)),
      [],
    );
  });

  it('run commands that there are, and only in a review', () => {
    const known = new Set(commands.map(({ command }) => command));
    assert.deepEqual(
      keybindings.filter(({ command, when }) => !known.has(command) || !when.includes('review')),
      [],
    );
  });
});
