import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  allows,
  hostName,
  isDomainPattern,
  isPublicAddress,
  narrow,
} from '../../../server/sandbox/network.ts';
import type { NetworkPolicy } from '../../../server/sandbox/sandbox.ts';

/** Few, so that names often fall under patterns. */
const label = fc.constantFrom('a', 'b', 'xn--c');
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const pattern = fc.tuple(fc.boolean(), name).map(([wild, text]) => (wild ? `*.${text}` : text));
const patterns = fc.array(pattern, { maxLength: 6 });
const octet = fc.integer({ min: 0, max: 255 });
const address4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));

const list = (...domains: string[]): NetworkPolicy => ({ mode: 'allow-list', domains });

describe('the network policy', () => {
  it('takes host names and wildcards for patterns, and no address in any spelling', () => {
    const good = [
      'a',
      'example.com',
      '*.example.com',
      'xn--bcher-kva.example',
      '_dmarc.a-b.io',
      '1password.com',
    ];
    const bad = [
      ...['', '*', '*.', '*.*.com', 'a.*.com', '*a.com', 'Example.com', 'example.com.', 'bücher.example'],
      ...['1.2.3.4', '127.1', '0x7f.1', '2130706433', '0x7f000001', 'a.0x', 'evil.1', '[::1]', '::1', 'a:80'],
      ...['a/b', 'a b', 'a\n', '-a.com', 'a-.com', 'a..b', `${'a'.repeat(64)}.com`, `${'a.'.repeat(127)}com`],
    ];
    assert.deepEqual(
      { good: good.filter(isDomainPattern), bad: bad.filter(isDomainPattern) },
      { good, bad: [] },
    );
  });

  it('has one spelling for a name', () => {
    const spellings = [
      'EXAMPLE.com',
      'example.com.',
      'example.com..',
      '*.example.com',
      'ex\u212Ample.com',
      'a\0.com',
    ];
    assert.deepEqual(spellings.map(hostName), [
      'example.com',
      'example.com',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('takes a wildcard for the names below it, not for itself nor for names that only end alike', () => {
    const policy = list('*.example.com', 'one.org');
    const asked = [
      'a.example.com',
      'A.B.EXAMPLE.COM.',
      'example.com',
      'badexample.com',
      'one.org',
      'a.one.org',
    ];
    assert.deepEqual(
      asked.filter((host) => allows(policy, host, 443)),
      ['a.example.com', 'A.B.EXAMPLE.COM.', 'one.org'],
    );
  });

  it('serves two ports where names are listed, every one where all is open, none where nothing is', () => {
    const ports = [0, 22, 80, 443, 8080, 65_535, 65_536, 1.5, Number.NaN];
    const served = (policy: NetworkPolicy): number[] => ports.filter((port) => allows(policy, 'a.io', port));
    assert.deepEqual(
      [served(list('a.io')), served({ mode: 'open' }), served({ mode: 'none' })],
      [[80, 443], [22, 80, 443, 8080, 65_535], []],
    );
  });

  it('takes an address only where all is open', () => {
    const hosts = ['8.8.8.8', '2606:4700::1111'];
    const taken = (policy: NetworkPolicy): string[] => hosts.filter((host) => allows(policy, host, 443));
    assert.deepEqual([taken({ mode: 'open' }), taken(list('*.8', '8'))], [hosts, []]);
  });
});

describe('what a repository asks for', () => {
  it('is kept where the owner allows all of it, and named where not', () => {
    const forwards = [{ port: 5432, to: { host: 'db', port: 5432 } }];
    const owner: NetworkPolicy = { mode: 'allow-list', domains: ['*.npmjs.org', 'pypi.org'], forwards };
    const wanted = [
      'registry.npmjs.org',
      'npmjs.org',
      '*.cdn.npmjs.org',
      '*.pypi.org',
      '*.org',
      'PyPI.org.',
      'no name',
    ];
    assert.deepEqual(narrow(owner, wanted), {
      policy: {
        mode: 'allow-list',
        domains: ['registry.npmjs.org', '*.cdn.npmjs.org', 'pypi.org'],
        forwards,
      },
      refused: ['npmjs.org', '*.pypi.org', '*.org', 'no name'],
    });
  });

  it('is all that the owner allows where it says nothing, and nothing where it says so', () => {
    const owner = list('a.io');
    assert.deepEqual(
      [narrow(owner, undefined).policy, narrow(owner, []).policy, narrow({ mode: 'open' }, []).policy],
      [owner, { mode: 'none' }, { mode: 'none' }],
    );
  });

  it('becomes a list where the owner allows everything, and nothing where the owner allows nothing', () => {
    assert.deepEqual(
      [narrow({ mode: 'open' }, ['a.io', '1.2.3.4']), narrow({ mode: 'none' }, ['a.io'])],
      [
        { policy: list('a.io'), refused: ['1.2.3.4'] },
        { policy: { mode: 'none' }, refused: ['a.io'] },
      ],
    );
  });

  it('never opens what the owner did not, whatever is asked for', () => {
    const policies = fc.oneof(
      fc.constant<NetworkPolicy>({ mode: 'none' }),
      fc.constant<NetworkPolicy>({ mode: 'open' }),
      patterns.map((domains) => list(...domains)),
    );
    fc.assert(
      fc.property(policies, patterns, name, fc.constantFrom(80, 443, 22), (owner, wanted, host, port) => {
        const { policy } = narrow(owner, wanted);
        if (allows(policy, host, port)) assert.equal(allows(owner, host, port), true);
      }),
    );
  });

  it('never loses a name that it asked for and the owner allows', () => {
    fc.assert(
      fc.property(patterns, patterns, name, (allowed, wanted, host) => {
        const asked = allows(list(...wanted), host, 443);
        const inList = allowed.some((one) => wanted.includes(one) && allows(list(one), host, 443));
        if (asked && inList) assert.equal(allows(narrow(list(...allowed), wanted).policy, host, 443), true);
      }),
    );
  });
});

describe('a public address', () => {
  it('is none of those that mean this host, its networks, or nothing', () => {
    const refused = [
      ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254'],
      ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1'],
      ...['192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.7', '224.0.0.1'],
      ...['239.255.255.255', '240.0.0.1', '255.255.255.255'],
      ...[
        '::',
        '::1',
        '::7f00:1',
        '::127.0.0.1',
        '::ffff:127.0.0.1',
        '::ffff:a9fe:a9fe',
        '::ffff:0:10.0.0.1',
      ],
      ...['64:ff9b::10.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '100::1', '2001::1', '2001:0:7f00:1::'],
      ...['2001:2::1', '2001:10::1', '2001:db8::1', '2002:7f00:1::', '2002:808:808::', '3fff::1', '5f00::1'],
      ...['fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '4000::1', '1fff::1'],
      ...['', 'localhost', '127.1', '0x7f.1', '2130706433', '010.0.0.1', '8.8.8.8 ', '2606:4700::1%lo'],
    ];
    assert.deepEqual(refused.filter(isPublicAddress), []);
  });

  it('is any other', () => {
    const taken = [
      ...['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.1'],
      ...['169.253.255.255', '198.17.255.255', '198.20.0.0', '223.255.255.255', '11.0.0.0', '9.255.255.255'],
      ...[
        '2606:4700::1111',
        '2a00:1450:4001::1',
        '2001:4860:4860::8888',
        '2001:200::1',
        '3ffe::1',
        '2003::1',
      ],
      ...['64:ff9b::8.8.8.8', '::ffff:8.8.8.8'],
    ];
    assert.deepEqual(taken.filter(isPublicAddress), taken);
  });

  it('is judged alike however it is written and wrapped', () => {
    fc.assert(
      fc.property(address4, (ip) => {
        const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        const spellings = [`::ffff:${ip}`, `::FFFF:${hex}`, `0:0:0:0:0:ffff:${hex}`, `64:ff9b::${hex}`];
        const expected = isPublicAddress(ip);
        assert.deepEqual(
          spellings.map(isPublicAddress),
          spellings.map(() => expected),
        );
        const tunnels = [`::${ip}`, `2002:${hex}::1`, `2001:0:${hex}::`, `64:ff9b:1::${hex}`];
        assert.deepEqual(tunnels.filter(isPublicAddress), []);
      }),
    );
  });
});
