import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { passedOn } from '../../../server/sandbox/local/egress/headers.ts';
import {
  checkNetwork,
  needsEgress,
  networkFolders,
  readPolicy,
  writePolicy,
} from '../../../server/sandbox/local/egress/policy.ts';
import { MAX_REFUSALS, refusalLog } from '../../../server/sandbox/local/egress/refusals.ts';
import { absoluteTarget, connectTarget } from '../../../server/sandbox/local/egress/target.ts';
import { type NetworkPolicy, SandboxError } from '../../../server/sandbox/sandbox.ts';

describe('what a client of the proxy asks for', () => {
  it('is a host and a port, for a tunnel', () => {
    assert.deepEqual(['a.io:443', 'A.IO.:80', '1.2.3.4:443', '[::1]:443', '0x7f.1:443'].map(connectTarget), [
      { host: 'a.io', port: 443 },
      { host: 'A.IO.', port: 80 },
      { host: '1.2.3.4', port: 443 },
      { host: '::1', port: 443 },
      { host: '0x7f.1', port: 443 },
    ]);
  });

  it('is refused where it could be read in two ways', () => {
    const unclear = [
      ...[
        '',
        ':',
        ':443',
        'a.io',
        'a.io:',
        'a.io:0',
        'a.io:65536',
        'a.io:4430000',
        'a.io:443:443',
        'a.io:+443',
      ],
      ...[
        'u@a.io:443',
        'u:p@a.io:443',
        'a.io:443/',
        'a.io/:443',
        'a.io?:443',
        'a.io#:443',
        'a.io\\:443',
        'a io:443',
      ],
      ...[
        'a.io%00:443',
        'a.io\0:443',
        'bücher.io:443',
        '[::1:443',
        '::1:443',
        '[a.io]:443',
        '[::1%lo]:443',
        '[1.2.3.4]:443',
      ],
    ];
    assert.deepEqual(
      unclear.filter((text) => connectTarget(text) !== undefined),
      [],
    );
  });

  it('is a URL of plain http, for a request', () => {
    assert.deepEqual(
      [
        'http://a.io',
        'HTTP://a.io/x?y=http://b',
        'http://a.io?q',
        'http://a.io:8080/',
        'http://[::1]/p#f',
      ].map(absoluteTarget),
      [
        { target: { host: 'a.io', port: 80 }, path: '/' },
        { target: { host: 'a.io', port: 80 }, path: '/x?y=http://b' },
        { target: { host: 'a.io', port: 80 }, path: '/?q' },
        { target: { host: 'a.io', port: 8080 }, path: '/' },
        { target: { host: '::1', port: 80 }, path: '/p' },
      ],
    );
  });

  it('is no other URL, no path and no URL with a user', () => {
    const others = [
      '/',
      '*',
      'https://a.io/',
      'ftp://a.io/',
      'http:///x',
      'http:a.io',
      'http://u@a.io/',
      'http://u:p@a.io/',
      'http://a.io\\@b/',
    ];
    assert.deepEqual(
      others.filter((url) => absoluteTarget(url) !== undefined),
      [],
    );
  });

  it('is the host that the standard finds in it, wherever both find one', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab.:@/?#[]\\1%'.split('')), maxLength: 12 });
    fc.assert(
      fc.property(text, (rest) => {
        const found = absoluteTarget(`http://${rest}`);
        if (found === undefined || !URL.canParse(`http://${rest}`)) return;
        const { hostname, port } = new URL(`http://${rest}`);
        // Addresses, which the standard spells anew, are judged by what they resolve to.
        if (!/^[\d.]|^\[/.test(hostname))
          assert.deepEqual(found.target, { host: hostname, port: Number(port || 80) });
      }),
    );
  });
});

describe('the headers that the proxy passes on', () => {
  it('are those of the message: none of the connection, none that it names', () => {
    const raw = [
      'Accept',
      '*/*',
      'Connection',
      'close, X-Secret',
      'X-Secret',
      '1',
      'Proxy-Authorization',
      'Basic x',
      'TE',
      'gzip',
    ];
    assert.deepEqual(passedOn([...raw, 'Cookie', 'a', 'cookie', 'b', 'Host', 'c'], ['host']), [
      ...['Accept', '*/*', 'Cookie', 'a', 'cookie', 'b'],
    ]);
  });

  it('keep the length of the body, whatever is said of it', () => {
    assert.deepEqual(passedOn(['Connection', 'Content-Length', 'Content-Length', '5']), [
      'Content-Length',
      '5',
    ]);
  });
});

describe('the log of refusals', () => {
  it('counts those that are alike', () => {
    const log = refusalLog();
    for (const host of ['a.io', 'b.io', 'a.io']) log.note({ host, port: 443, why: 'name' });
    assert.deepEqual(log.list(), [
      { host: 'a.io', port: 443, why: 'name', count: 2 },
      { host: 'b.io', port: 443, why: 'name', count: 1 },
    ]);
  });

  it('is bounded', () => {
    const log = refusalLog();
    for (let port = 1; port <= 10 * MAX_REFUSALS; port += 1) log.note({ host: 'a.io', port, why: 'port' });
    assert.equal(log.list().length, MAX_REFUSALS);
  });
});

describe('the note of what a sandbox may reach', () => {
  let root: string;
  before(async () => {
    root = await fs.mkdtemp(join(tmpdir(), 'handoff-policy-'));
  });
  after(() => fs.rm(root, { recursive: true, force: true }));

  const forwards = [{ port: 5432, to: { host: '10.0.0.5', port: 5432 } }];

  it('is kept as it was given', () => {
    const policies: NetworkPolicy[] = [
      { mode: 'none' },
      { mode: 'none', forwards },
      { mode: 'allow-list', domains: ['*.npmjs.org', 'a.io'], forwards },
      { mode: 'open' },
    ];
    const kept = policies.map((policy) => {
      writePolicy({ root }, policy);
      return { policy: readPolicy({ root }), folders: networkFolders({ root }, policy).length };
    });
    assert.deepEqual(
      kept,
      policies.map((policy, index) => ({ policy, folders: index === 0 ? 0 : 1 })),
    );
    assert.deepEqual(policies.map(needsEgress), [false, true, true, true]);
  });

  it('is refused where it is wrong, with the reason', () => {
    const forward = (port: number): NetworkPolicy => ({
      mode: 'none',
      forwards: [{ port, to: { host: 'db', port: 5432 } }],
    });
    const wrong: NetworkPolicy[] = [
      { mode: 'allow-list', domains: ['10.0.0.1'] },
      { mode: 'allow-list', domains: ['Example.com'] },
      forward(80),
      forward(3128),
      { mode: 'none', forwards: [...forwards, ...forwards] },
    ];
    const complaints = wrong.map((policy) => {
      try {
        checkNetwork(policy);
        return 'taken';
      } catch (error) {
        return error instanceof SandboxError ? `${error.code}: ${error.message}` : String(error);
      }
    });
    assert.deepEqual(complaints, [
      'failed: The network of a sandbox is wrong at domains.0: is no host name in lower case, nor *.name.',
      'failed: The network of a sandbox is wrong at domains.0: is no host name in lower case, nor *.name.',
      'failed: The network of a sandbox is wrong at forwards.0.port: Too small: expected number to be >=1024.',
      "failed: The network of a sandbox is wrong at forwards.0.port: 3128 is the proxy's own port.",
      'failed: The network of a sandbox is wrong at forwards: a port is forwarded twice.',
    ]);
  });

  it('is not taken for nothing where it cannot be read', async () => {
    assert.throws(() => readPolicy({ root: join(root, 'none') }));
    await fs.writeFile(join(root, 'network.json'), '{"mode":"all"}');
    assert.throws(() => readPolicy({ root }));
  });
});
