import assert from 'node:assert/strict';
import { expand } from '../../../server/handbook/expand.ts';
import { OWN_TEMPLATES } from '../../../server/handbook/own-commands.ts';
import {
  commandIn,
  commandNameOf,
  describeCommand,
  OWN_COMMANDS,
} from '../../../server/protocol/slash-commands.ts';

const ship = { name: 'ship', description: '', template: 'Ship $ARGUMENTS, and $ARGUMENTS again.' };
const tidy = { name: 'tidy', description: '', template: 'Tidy up.' };

describe('a message that is a command', () => {
  for (const [text, expanded] of [
    ['/ship', 'Ship , and  again.'],
    ['/ship v2 $& $ARGUMENTS', 'Ship v2 $& $ARGUMENTS, and v2 $& $ARGUMENTS again.'],
    ['/ship\nv2\nnow', 'Ship v2\nnow, and v2\nnow again.'],
    ['/tidy', 'Tidy up.'],
    ['/tidy the tests', 'Tidy up.\n\nthe tests'],
    ['/plan do it', undefined],
    ['/usr is full', undefined],
    ['/ship/it', undefined],
    ['/ship: it', undefined],
    ['please /ship', undefined],
    ['/constructor', undefined],
    ['/', undefined],
  ] as const) {
    it(`${JSON.stringify(text)} is ${expanded === undefined ? 'none' : 'expanded'}`, () =>
      assert.equal(expand(text, [ship, tidy]), expanded));
  }

  it('is every relay’s, where the repository has one of that name, too', () => {
    const theirs = OWN_COMMANDS.map(({ name }) => ({ ...tidy, name }));
    assert.match(expand('/init for Python', theirs) ?? '', /^Write AGENTS\.md[\s\S]*\n\nfor Python$/);
    assert.match(expand('/review', theirs) ?? '', /reviewer[\s\S]*did not and why\.$/);
    assert.equal(expand('/plan do it', theirs), undefined);
  });

  it('comes to no more than a message may have, and says where it was cut', () => {
    const template = 'x $ARGUMENTS '.repeat(5000);
    const rest = 'y'.repeat(26_000);
    assert.equal(
      expand(`/many ${rest}`, [{ name: 'many', description: '', template }]),
      `${`x ${rest} `.repeat(8).slice(0, 200_000)}\n[Cut here: /many comes to 130015000 characters, and 200000 are read. Ask the person for what is missing.]`,
    );
  });

  it('has a template for every name that is offered, but for plan, which is a way to work', () =>
    assert.deepEqual(
      OWN_COMMANDS.filter(({ name }) => OWN_TEMPLATES[name] === undefined).map(({ name }) => name),
      ['plan'],
    ));
});

describe('a command’s file', () => {
  for (const [path, name] of [
    ['.handoff/commands/ship.md', 'ship'],
    ['.claude/commands/ops/db/migrate.md', 'ops:db:migrate'],
    ['.handoff/commands/a b.md', undefined],
    ['.handoff/commands/.hidden.md', undefined],
    ['.handoff/skills/ship.md', undefined],
    ['.handoff/commands/ship.txt', undefined],
  ] as const) {
    it(`${path} is called ${name}`, () => assert.equal(commandNameOf(path), name));
  }

  for (const [text, description] of [
    ['---\ndescription: Ship it  \n---\nShip.', 'Ship it'],
    ['---\r\nname: x\r\ndescription: "Ship: it"\r\n---\r\nShip.', 'Ship: it'],
    ['---\nname: x\n---\n\n# Ship it\nNow.', 'Ship it'],
    ['Ship it.\nNow.', 'Ship it.'],
    ['', ''],
    [`---\ndescription: a${' '.repeat(60_000)}b\n---\nShip.`, `a${' '.repeat(199)}`],
  ] as const) {
    it(`says ${JSON.stringify(description.slice(0, 20))}`, () =>
      assert.equal(describeCommand(text), description));
  }

  it('reads a message as the name and the rest', () =>
    assert.deepEqual(commandIn('/ops:ship  v2 '), { name: 'ops:ship', rest: 'v2' }));
});
