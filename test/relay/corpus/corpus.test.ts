import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { captureDeps } from '../../../extension/git/run-git.ts';
import { captureSource } from '../../../server/protocol/capture.ts';
import { unitsOf } from '../../../server/protocol/ledger.ts';
import type { FileChange, UnitState } from '../../../server/protocol/review.ts';
import { fingerprint } from '../../unit/protocol/persons-repository.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';
import { NASTY } from './nasty.ts';
import { checkedOut, entriesOf, entriesWith, treeAfter, treeOf, treeWith } from './oracle.ts';
import { BYTE_EXACT, placeAt } from './place.ts';

describe('nasty repositories, from the working tree through a real sandbox to the accepted tree', function () {
  this.timeout(120_000);
  let shop: Workshop;
  let root: string;

  before(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'handoff-corpus-'));
    chmodSync(root, 0o755);
    shop = await openWorkshop(
      NASTY.map(({ name, agent }) => ({
        when: ({ messages }) => messages.some(({ content }) => String(content).includes(name)),
        steps: [
          { toolCalls: [{ name: 'bash', arguments: { command: `set -eu\n${agent}` } }] },
          { text: 'Done.' },
        ],
      })),
    );
  });
  after(async () => {
    for (const { taskId } of (await shop.client.listTasks()).tasks) await shop.client.archive(taskId);
    await shop.close();
    rmSync(root, { recursive: true, force: true });
  });

  for (const { name, base, work, agent, unseen = [] } of NASTY) {
    it(name, async () => {
      const folder = (part: string): string => {
        const made = path.join(root, name.replace(/\W+/g, '-'), part);
        mkdirSync(made, { recursive: true });
        return made;
      };
      const person = placeAt(folder('person'));
      await person.git('init', '--quiet', '--initial-branch=main');
      person.write('.git/info/attributes', BYTE_EXACT);
      await base(person);
      await person.git('add', '--all', '--force');
      await person.git('commit', '--quiet', '--message=base');
      await work?.(person);

      const before = fingerprint(person.folder);
      const { source } = await captureSource(captureDeps('git'), { folder: person.folder });
      assert.deepEqual(fingerprint(person.folder), before);

      const { taskId } = await shop.client.createTask({ clientId: randomUUID(), prompt: name, source });
      const { outcome } = await shop.watch(taskId).until('turn.ended');
      assert.equal(outcome, 'completed');
      const { baseTree, headTree, files } = await shop.client.changes(taskId);
      assert.equal(baseTree, await treeOf(person), 'the base is the working tree');

      const repository = path.join(shop.data, 'repos', `${taskId}.git`);
      const other = await checkedOut(repository, baseTree, folder('other'));
      assert.equal(headTree, await treeAfter(other, agent), 'the proposal is what the agent left');

      /** Records a state for some units, all others being undecided. */
      const acceptedWith = async (taken: (file: FileChange) => ReadonlySet<string>): Promise<string> => {
        const decide = (state: UnitState, chosen: (file: FileChange) => string[]) =>
          shop.client.patchReview(taskId, {
            decisions: files.flatMap((file) => {
              const hashes = chosen(file);
              return hashes.length === 0 ? [] : [{ path: file.path, hashes, state }];
            }),
          });
        await decide('pending', unitsOf);
        return (await decide('accepted', (file) => [...taken(file)])).acceptedTree;
      };
      const [atBase, atHead] = [await entriesOf(other, baseTree), await entriesOf(other, headTree)];
      const expected = async (taken: (file: FileChange) => ReadonlySet<string>): Promise<string> =>
        treeWith(other, await entriesWith(other, atBase, atHead, files, taken));

      const none = () => new Set<string>();
      assert.equal(await acceptedWith(none), baseTree, 'nothing accepted is the base');

      const all = (file: FileChange) => new Set(unitsOf(file));
      const whole = new Map(atHead);
      for (const unseenPath of unseen) {
        const entry = atBase.get(unseenPath);
        if (entry === undefined) whole.delete(unseenPath);
        else whole.set(unseenPath, entry);
      }
      assert.equal(
        await acceptedWith(all),
        await treeWith(other, whole),
        'everything accepted is the proposal',
      );

      for (const parity of [0, 1]) {
        const some = (file: FileChange) =>
          isInTheWayOf(file, files)
            ? none()
            : new Set(unitsOf(file).filter((_, index) => (index + files.indexOf(file)) % 2 === parity));
        assert.equal(await acceptedWith(some), await expected(some), 'a part is exactly that part');
      }
    });
  }
});

/** Whether a file took a folder's place or the reverse: then one is not accepted without the other. */
const isInTheWayOf = ({ path: one }: FileChange, files: FileChange[]): boolean =>
  files.some(({ path: other }) => other.startsWith(`${one}/`) || one.startsWith(`${other}/`));
