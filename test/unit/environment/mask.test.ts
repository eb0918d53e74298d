import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createMask, type Mask } from '../../../server/environment/mask.ts';

const maskOf = (...secrets: [name: string, value: string][]): Mask => {
  const mask = createMask(secrets.map(([name, value]) => ({ name, value })));
  assert.ok(mask);
  return mask;
};
const text = (data: Uint8Array) => Buffer.from(data).toString();

describe('what is struck out', () => {
  const mask = maskOf(['TOKEN', 'p@ss/word+1?'], ['OTHER', 'abcd']);

  const CASES: [what: string, printed: string, shown: string][] = [
    ['a value', 'a p@ss/word+1? b', 'a [secret TOKEN] b'],
    ['two values that touch', 'abcdabcd', '[secret OTHER][secret OTHER]'],
    ['a value in a URL', 'https://x:p%40ss%2Fword%2B1%3F@h/', 'https://x:[secret TOKEN]@h/'],
    ['a part of a value not', 'p@ss/word', 'p@ss/word'],
    ['another case not', 'ABCD', 'ABCD'],
  ];
  for (const [what, printed, shown] of CASES) {
    it(what, () => assert.equal(mask.text(printed), shown));
  }

  it('nothing for values that cannot be told from other text', () => {
    assert.equal(createMask([{ name: 'PIN', value: '123' }]), undefined);
  });

  it('a value in base64, wherever in a longer text it begins, in both alphabets', () => {
    const secret = 'subjects?_d=~~>>';
    const masked = maskOf(['KEY', secret]);
    for (const before of ['', 'u', 'us', 'user:', 'user1:']) {
      for (const after of ['', 'x', 'xy']) {
        for (const encoding of ['base64', 'base64url'] as const) {
          const printed = Buffer.from(before + secret + after).toString(encoding);
          const shown = masked.text(printed);
          assert.ok(shown.includes('[secret KEY]'), `${printed} shows as ${shown}`);
          // What the ends tell is less than one byte of the value each.
          const left = shown.replace('[secret KEY]', '');
          const most =
            Buffer.from(before).toString(encoding).length + Buffer.from(after).toString(encoding).length + 4;
          assert.ok(left.length <= most, `${printed} shows as ${shown}`);
        }
      }
    }
  });

  it('a value of several lines: whole, in JSON, and line by line', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEFAAS\n-----END KEY-----';
    const masked = maskOf(['PEM', key]);
    assert.equal(masked.text(`<${key}>`), '<[secret PEM]>');
    assert.equal(masked.text(`<${key.replaceAll('\n', '\r\n')}>`), '<[secret PEM]>');
    assert.equal(masked.text(JSON.stringify({ key })), '{"key":"[secret PEM]"}');
    assert.equal(masked.text('3:kqhkiG9w0BAQEFAAS'), '3:[secret PEM]');
  });

  it('the longer of two values that begin alike, and all of two that overlap', () => {
    const masked = maskOf(['SHORT', 'abcd'], ['LONG', 'abcdefgh'], ['NEXT', 'fghijk']);
    assert.equal(masked.text('-abcdefgh-abcdx'), '-[secret LONG]-[secret SHORT]x');
    assert.equal(masked.text('-abcdefghijk-'), '-[secret LONG]-');
  });

  it('a value that begins again inside of itself', () => {
    assert.equal(maskOf(['A', 'aabaa']).text('aabaabaa-'), '[secret A]-');
  });

  it('in a stream however it is cut, and nothing is held back that cannot become a secret', () => {
    const values: [string, string][] = [
      ['A', 'abab'],
      ['B', 'ababcab'],
      ['C', 'bcabba'],
    ];
    const masked = maskOf(...values);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c', 'abab', 'ababcab', 'bcabba', '-'), { maxLength: 30 }),
        fc.array(fc.nat(6), { maxLength: 60 }),
        (parts, cuts) => {
          const printed = Buffer.from(parts.join(''));
          const stream = masked.stream();
          let shown = '';
          let at = 0;
          for (const cut of cuts) {
            shown += text(stream.push(printed.subarray(at, at + cut)));
            at = Math.min(printed.length, at + cut);
          }
          shown += text(stream.push(printed.subarray(at))) + text(stream.flush());
          assert.equal(shown, text(masked.whole(printed)));
          for (const [, value] of values) assert.ok(!shown.includes(value), shown);
        },
      ),
    );
    const stream = masked.stream();
    assert.deepEqual(
      [text(stream.push(Buffer.from('xyz a'))), text(stream.push(Buffer.from('x'))), text(stream.flush())],
      ['xyz ', 'ax', ''],
    );
  });

  it('pieces that the omission in bounded output cut', () => {
    const masked = maskOf(['TOKEN', 'correct-horse-battery']);
    assert.equal(text(masked.beforeOmission(Buffer.from('see correct-ho'))), 'see [secret TOKEN]');
    assert.equal(text(masked.afterOmission(Buffer.from('-battery, and'))), '[secret TOKEN], and');
    assert.equal(text(masked.beforeOmission(Buffer.from('see cor'))), 'see cor');
    assert.equal(text(masked.afterOmission(Buffer.from('ery, and'))), 'ery, and');
  });

  it('every cut of every value, so that never more than three bytes of one are left', () => {
    const value = 'correct-horse-battery';
    const masked = maskOf(['TOKEN', value]);
    for (let cut = 1; cut < value.length; cut += 1) {
      const shown = text(masked.beforeOmission(Buffer.from(`. ${value.slice(0, cut)}`)));
      assert.equal(shown, cut < 4 ? `. ${value.slice(0, cut)}` : '. [secret TOKEN]');
      const rest = text(masked.afterOmission(Buffer.from(`${value.slice(cut)} .`)));
      assert.equal(rest, value.length - cut < 4 ? `${value.slice(cut)} .` : '[secret TOKEN] .');
    }
  });

  it('in place, byte for byte', () => {
    assert.equal(text(mask.inPlace(Buffer.from('x abcd y abc'))), 'x **** y abc');
  });
});
