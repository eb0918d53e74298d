import assert from 'node:assert/strict';
import { previewAddresses } from '../../../server/preview/addresses.ts';
import { hereOnly, isForeign } from '../../../server/preview/gate.ts';
import { cookieOf, responseHeaders } from '../../../server/preview/headers.ts';

const ID = '0123456789abcdef0123456789abcdef';

describe('the address of a preview', () => {
  it('is a name below localhost, with the port that is listened on', () => {
    const { originOf, isSecure } = previewAddresses(undefined);
    assert.deepEqual([originOf(ID, 7421), isSecure], [`http://${ID}.localhost:7421`, false]);
  });

  const templates: Array<[template: string, origin: string]> = [
    ['https://{id}.preview.example.com', `https://${ID}.preview.example.com`],
    ['https://{id}.preview.example.com/', `https://${ID}.preview.example.com`],
    ['https://task-{id}.example.com:8443', `https://task-${ID}.example.com:8443`],
    ['http://{id}.box.lan', `http://${ID}.box.lan`],
  ];
  for (const [template, origin] of templates) {
    it(`is ${origin.replace(ID, '<id>')} where ${template} is set, and found in its Host`, () => {
      const { originOf, idOf } = previewAddresses(template);
      assert.deepEqual([originOf(ID, 7421), idOf(new URL(origin).host)], [origin, ID]);
    });
  }

  const hosts: Array<[host: string, id: string | undefined]> = [
    [`${ID}.localhost:7421`, ID],
    [`${ID}.localhost`, ID],
    [`${ID.toUpperCase()}.LocalHost:1`, ID],
    ['localhost:7421', undefined],
    ['127.0.0.1:7421', undefined],
    [`${ID}.localhost.`, undefined],
    [`${ID}.localhost.evil.example`, undefined],
    [`${ID}.evil.example`, undefined],
    [`evil.${ID}.localhost`, undefined],
    [`${ID}.localhost:7421:1`, undefined],
    [`${ID}.localhost:`, undefined],
    [`${ID}.localhost@evil.example`, undefined],
    [`evil@${ID}.localhost`, undefined],
    [` ${ID}.localhost`, undefined],
    [`${ID}0.localhost`, undefined],
    [`${ID.slice(1)}.localhost`, undefined],
    ['.localhost', undefined],
    ['', undefined],
  ];
  it('is taken from a Host header that is exactly one, and from no other', () => {
    const { idOf } = previewAddresses(undefined);
    assert.deepEqual(
      hosts.map(([host]) => [host, idOf(host)]),
      hosts,
    );
  });
});

describe('an answer that passes to the browser', () => {
  const passed = (...rawHeaders: string[]): string[] => responseHeaders({ rawHeaders, headers: {} }, 3000);

  it('loses what belongs to one connection, or to the host name', () => {
    const answer = {
      rawHeaders: [
        ...[
          'Connection',
          'X-Hop, close',
          'X-Hop',
          '1',
          'Keep-Alive',
          'timeout=5',
          'Transfer-Encoding',
          'chunked',
        ],
        ...['Alt-Svc', 'h3=":443"', 'Strict-Transport-Security', 'max-age=1', 'X-Kept', 'a', 'X-Kept', 'b'],
      ],
      headers: { connection: 'X-Hop, close' },
    };
    assert.deepEqual(responseHeaders(answer, 3000), ['X-Kept', 'a', 'X-Kept', 'b']);
  });

  const cookies: Array<[set: string, kept: string[]]> = [
    ['a=1; Path=/; Domain=localhost; HttpOnly', ['a=1; Path=/; HttpOnly']],
    ['a=1;DOMAIN = .example.com;domain=x', ['a=1']],
    ['a=domain=1; domain', ['a=domain=1']],
    ['handoff-preview=evil', []],
    ['  handoff-preview =evil; Path=/', []],
    ['__Host-handoff-preview=evil; Secure', []],
    ['handoff-preview2=fine', ['handoff-preview2=fine']],
  ];
  for (const [set, kept] of cookies) {
    it(`sets ${kept[0] ?? 'no cookie'} for “${set}”`, () => {
      assert.deepEqual(
        passed('Set-Cookie', set),
        kept.flatMap((value) => ['Set-Cookie', value]),
      );
    });
  }

  const redirects: Array<[from: string, to: string]> = [
    ['http://localhost:3000/a?b=c#d', '/a?b=c#d'],
    ['https://127.0.0.1:3000', '/'],
    ['http://[::1]:3000/x', '/x'],
    ['//0.0.0.0:3000/x', '/x'],
    ['http://localhost:3000//evil.example/x', '/evil.example/x'],
    ['/x', '/x'],
    ['x?y', 'x?y'],
    ['http://localhost:3001/x', 'http://localhost:3001/x'],
    ['https://github.com/login', 'https://github.com/login'],
    ['http://localhost:3000@evil.example/', 'http://localhost:3000@evil.example/'],
    ['http://[', 'http://['],
  ];
  for (const [from, to] of redirects) {
    it(`leads to ${to} for “${from}”`, () => {
      assert.deepEqual(passed('Location', from), ['Location', to]);
    });
  }
});

describe('a request to a preview', () => {
  const ORIGIN = `http://${ID}.localhost:7421`;
  const foreign: Array<[name: string, method: string, headers: Record<string, string>, isForeign: boolean]> =
    [
      ['typed by the person', 'GET', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, false],
      ['of its own page', 'POST', { origin: ORIGIN, 'sec-fetch-site': 'same-origin' }, false],
      ['of a program that says nothing', 'POST', {}, false],
      [
        'that a link elsewhere led to',
        'GET',
        { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
        false,
      ],
      [
        'of a frame in another preview',
        'GET',
        { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
        true,
      ],
      [
        'of a script in another preview',
        'GET',
        { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
        true,
      ],
      [
        'of a form in another preview',
        'POST',
        { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
        true,
      ],
      ['of another origin', 'GET', { origin: 'http://evil.example' }, true],
      ['of the same name at another port', 'GET', { origin: `http://${ID}.localhost:1` }, true],
      ['of the same name by https', 'GET', { origin: ORIGIN.replace('http', 'https') }, true],
      ['of a page without an origin', 'POST', { origin: 'null' }, true],
      [
        'of a form of its own that sends no referrer',
        'POST',
        { origin: 'null', 'sec-fetch-site': 'same-origin' },
        false,
      ],
      [
        'of a frame without an origin elsewhere',
        'POST',
        { origin: 'null', 'sec-fetch-site': 'cross-site' },
        true,
      ],
    ];
  for (const [name, method, headers, expected] of foreign) {
    it(`${name} is ${expected ? 'refused' : 'passed on'}`, () => {
      assert.equal(isForeign({ method, headers }, ORIGIN), expected);
    });
  }

  it('shows the cookie by its whole name alone', () => {
    const name = 'handoff-preview';
    assert.deepEqual(
      [`a=b; ${name}=x=y`, `x${name}=1`, `${name}2=1`, ' handoff-preview=1', '', undefined].map((header) =>
        cookieOf(header, name),
      ),
      ['x=y', undefined, undefined, '1', undefined, undefined],
    );
  });

  it('leads back to a path of the preview', () => {
    assert.deepEqual(
      ['/a/b?c=d', 'a', '', '//x', '/\\x', 'http://x/y', 'javascript:1', '/%2F/x'].map(hereOnly),
      ['/a/b?c=d', '/a', '/', '/', '/', '/', '/', '/%2F/x'],
    );
  });
});
