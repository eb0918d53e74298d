import assert from 'node:assert/strict';
import { type Check, fails } from './stage.ts';

/** `status('GET ...')` says bytes to the proxy, by its socket, and answers the status of what comes back. */
const PROXY = `
def said(text):
    s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect('/run/handoff-net/3128'); s.sendall(text.encode('latin1'))
    got = b''
    try:
        while b'\\r\\n\\r\\n' not in got:
            more = s.recv(65536)
            if not more: break
            got += more
    except OSError: pass
    s.close()
    return got.decode('latin1')
def status(text):
    return (said(text).split(' ') + ['', ''])[1]
def connect(authority):
    return status('CONNECT ' + authority + ' HTTP/1.1\\r\\nHost: ' + authority + '\\r\\n\\r\\n')
`;

const refusedAll = (authorities: string[]): string => authorities.map((one) => `${one}=403`).join(' ');
const everyTunnel = (authorities: string[]): string =>
  `${PROXY}every({one: connect(one) for one in ${JSON.stringify(authorities)}})`;

/** Attempts to reach what is not allowed: by the network that is not there, and by the proxy that is. */
export const NETWORK_CHECKS: Check[] = [
  {
    name: 'the control of these: what is allowed is reached by the proxy',
    async run({ py }) {
      assert.equal(
        await py(
          `${PROXY}every({'tunnel': connect('web.test:443'), 'plain': status('GET http://web.test/ HTTP/1.1\\r\\nHost: web.test\\r\\n\\r\\n')})`,
        ),
        'tunnel=200 plain=200',
      );
    },
  },
  {
    name: 'interfaces and routes of the host',
    async run({ sh }) {
      assert.equal(
        (
          await sh(
            'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "; tail -n +2 /proc/net/route; grep -v " lo$" /proc/net/ipv6_route',
          )
        ).out,
        'lo\n',
      );
    },
  },
  {
    name: 'servers of the host, on its loopback and on its addresses',
    async run({ py, hostPort }) {
      assert.equal(
        await py(`
every({host: attempt(lambda: socket.create_connection((host, ${hostPort}), 3)) for host in ('127.0.0.1', '127.0.0.2', '10.0.2.2', '172.17.0.1', '192.168.0.1')})`),
        '127.0.0.1=ECONNREFUSED 127.0.0.2=ECONNREFUSED 10.0.2.2=ENETUNREACH 172.17.0.1=ENETUNREACH 192.168.0.1=ENETUNREACH',
      );
    },
  },
  {
    name: 'the internet and the cloud’s metadata, directly',
    async run({ py }) {
      assert.equal(
        await py(
          `
v6 = lambda host: socket.socket(socket.AF_INET6).connect((host, 80))
every({
  'metadata': attempt(lambda: socket.create_connection(('169.254.169.254', 80), 3)), 'public': attempt(lambda: socket.create_connection(('1.1.1.1', 443), 3)),
  'metadata6': attempt(lambda: v6('fd00:ec2::254')), 'public6': attempt(lambda: v6('2606:4700::1111')), 'local6': attempt(lambda: v6('fe80::1'))})`.replace(
            "'local6': attempt(lambda: v6('fe80::1'))",
            "'mapped': attempt(lambda: v6('::ffff:1.1.1.1'))",
          ),
        ),
        'metadata=ENETUNREACH public=ENETUNREACH metadata6=ENETUNREACH public6=ENETUNREACH mapped=ENETUNREACH',
      );
    },
  },
  {
    name: 'names: no resolver, no packet to one',
    async run({ py }) {
      assert.equal(
        await py(`
def resolve():
    try: socket.getaddrinfo('example.com', 80); return 'ok'
    except socket.gaierror as error: return 'gaierror'
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
every({'lookup': resolve(), 'packet': attempt(lambda: u.sendto(b'x', ('8.8.8.8', 53))), 'local': attempt(lambda: (u.connect(('127.0.0.53', 53)), u.send(b'x'), u.send(b'x')))})`),
        'lookup=gaierror packet=ENETUNREACH local=ECONNREFUSED',
      );
    },
  },
  {
    name: 'raw packets, and families of sockets with a history',
    async run({ py }) {
      const families = {
        packet: 17,
        alg: 38,
        vsock: 40,
        bluetooth: 31,
        can: 29,
        xdp: 44,
        rds: 21,
        tipc: 30,
        key: 15,
        kcm: 41,
        qipcrtr: 42,
        x25: 9,
      };
      const program = `
def make(*how):
    ctypes.set_errno(0)
    return result(libc.socket(*how))
every({**{name: make(family, 2, 0) for name, family in ${JSON.stringify(families)}.items()}, 'raw': make(2, 3, 1), 'raw6': make(10, 3, 58), 'packet-raw': make(17, 3, 768), 'pair': result(libc.socketpair(30, 1, 0, (ctypes.c_int * 2)()))})`;
      assert.equal(
        await py(program),
        [
          ...Object.keys(families).map((name) => `${name}=EAFNOSUPPORT`),
          'raw=EPERM',
          'raw6=EPERM',
          'packet-raw=EAFNOSUPPORT',
          'pair=EAFNOSUPPORT',
        ].join(' '),
      );
    },
  },
  {
    name: 'another address, route or interface, by netlink and by the programs for it',
    async run(stage) {
      // RTM_NEWADDR of 10.9.9.9/8 on interface 1, and the kernel's answer to it.
      const answered = await stage.py(`
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); s.bind((0, 0))
body = struct.pack('BBBBI', 2, 8, 0, 0, 1) + struct.pack('HH4s', 8, 2, socket.inet_aton('10.9.9.9')) + struct.pack('HH4s', 8, 1, socket.inet_aton('10.9.9.9'))
s.send(struct.pack('IHHII', 16 + len(body), 20, 0x605, 1, 0) + body)
print(errno.errorcode[-struct.unpack('i', s.recv(4096)[16:20])[0]])`);
      assert.equal(answered, 'EPERM');
      await fails(stage, 'ip link add dummy0 type dummy || ip tuntap add mode tun || ls /dev/net/tun');
    },
  },
  {
    name: 'another sandbox’s way out, and changing its own',
    async run({ sh, py, victim, dataDir }) {
      const its = `${dataDir}/sandboxes/${victim.ref.id}/net`;
      assert.equal(
        await py(`
every({
  'other': attempt(lambda: socket.socket(socket.AF_UNIX).connect('${its}/3128')), 'beside': attempt(lambda: socket.socket(socket.AF_UNIX).connect('/run/handoff-net/../net/3128')),
  'remove': attempt(lambda: os.unlink('/run/handoff-net/3128')), 'move': attempt(lambda: os.rename('/run/handoff-net/3128', '/run/handoff-net/x')),
  'chmod': attempt(lambda: os.chmod('/run/handoff-net/3128', 0o777)), 'add': attempt(lambda: socket.socket(socket.AF_UNIX).bind('/run/handoff-net/5432')),
  'control': attempt(lambda: socket.socket(socket.AF_UNIX).connect('/run/handoff-net/control'))})`),
        'other=ENOENT beside=ENOENT remove=EROFS move=EROFS chmod=EROFS add=EROFS control=ENOENT',
      );
      assert.equal((await sh('ls /run/handoff-net')).out, '3128\npresent\n');
    },
  },
  {
    name: 'names that are not allowed, however they look like those that are',
    async run({ py }) {
      const names = [
        'evil.test',
        'web.test.evil.test',
        'evilweb.test',
        'wild.test',
        'xwild.test',
        'web.test..',
        'web',
        'web_test',
        'wеb.test'.replace('е', 'e.'),
      ];
      const authorities = names.map((name) => `${name}:443`);
      assert.equal(await py(everyTunnel(authorities)), refusedAll(authorities));
    },
  },
  {
    name: 'this machine by the proxy, in every spelling',
    async run({ py, hostPort }) {
      const hosts = [
        '127.0.0.1',
        '127.1',
        '0x7f.1',
        '0x7f000001',
        '2130706433',
        '017700000001',
        '0',
        '0.0.0.0',
        'localhost',
        'localhost.',
        'LOCALHOST',
        'ip6-localhost',
        '[::1]',
        '[::]',
        '[::ffff:127.0.0.1]',
        '[::ffff:7f00:1]',
        '[64:ff9b::127.0.0.1]',
        '[0:0:0:0:0:0:0:1]',
        '127.0.0.1.',
      ];
      const authorities = hosts.flatMap((host) => [`${host}:80`, `${host}:${hostPort}`]);
      assert.equal(await py(everyTunnel(authorities)), refusedAll(authorities));
    },
  },
  {
    name: 'private networks and the cloud’s metadata by the proxy',
    async run({ py }) {
      const authorities = [
        '169.254.169.254',
        '[fd00:ec2::254]',
        '10.0.0.1',
        '192.168.1.1',
        '172.17.0.1',
        '100.100.100.200',
        'metadata.google.internal',
        '[fe80::1]',
        '8.8.8.8',
      ].map((host) => `${host}:80`);
      assert.equal(await py(everyTunnel(authorities)), refusedAll(authorities));
    },
  },
  {
    name: 'allowed names whose addresses are private, wholly or in part',
    async run({ py }) {
      const authorities = [
        'inner.test:443',
        'mixed.test:443',
        'metadata.test:80',
        'inner.test.:80',
        'INNER.test:80',
      ];
      assert.equal(await py(everyTunnel(authorities)), refusedAll(authorities));
    },
  },
  {
    name: 'an allowed name that changes its address after it was looked at',
    async run({ py }) {
      // The first look-up answers a public address, and every later one 127.0.0.1.
      assert.equal(
        await py(
          `${PROXY}print(connect('rebinding.test:443'), connect('rebinding.test:443'), connect('rebinding.test:80'))`,
        ),
        '200 403 403',
      );
    },
  },
  {
    name: 'other ports of allowed names',
    async run({ py, hostPort }) {
      const authorities = [22, 25, 53, 3128, 5432, 6379, 8080, hostPort].map((port) => `web.test:${port}`);
      assert.equal(await py(everyTunnel(authorities)), refusedAll(authorities));
    },
  },
  {
    name: 'requests that two readers would read in two ways',
    async run({ py }) {
      const request = (line: string, headers = ''): string =>
        `${line} HTTP/1.1\\r\\nHost: web.test\\r\\nConnection: close\\r\\n${headers}\\r\\n`;
      const words = {
        user: request('GET http://web.test@evil.test/'),
        password: request('GET http://web.test:80@evil.test/'),
        backslash: request('GET http://evil.test\\\\@web.test/'),
        tunnel_user: request('CONNECT web.test@evil.test:443'),
        both: request('POST http://web.test/', 'Content-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n'),
        twice: request('POST http://web.test/', 'Content-Length: 4\\r\\nContent-Length: 40\\r\\n'),
        spaced: request('POST http://web.test/', 'Transfer-Encoding : chunked\\r\\n'),
        feed: request('GET http://web.test/', 'X: a\\nHost: evil.test\\r\\n'),
        secure: request('GET https://web.test/'),
        relative: request('GET /'),
        file: request('GET file:///etc/passwd'),
        nothing: request('CONNECT :443'),
        nul: request('CONNECT web.test\\0.evil.test:443'),
      };
      assert.equal(
        await py(
          `${PROXY}every({name: status(text) for name, text in {${Object.entries(words)
            .map(([name, text]) => `'${name}': '${text}'`)
            .join(', ')}}.items()})`,
        ),
        Object.keys(words)
          .map((name) => `${name}=400`)
          .join(' '),
      );
    },
  },
  {
    name: 'another server behind an allowed one, by the Host header',
    async run({ py }) {
      assert.equal(
        await py(
          `${PROXY}print('asked as ' + said('GET http://web.test/ HTTP/1.1\\r\\nHost: evil.test\\r\\nHost: inner.test\\r\\nX-Forwarded-Host: evil.test\\r\\n\\r\\n').split('X-Host: ')[1].split('\\r\\n')[0])`,
        ),
        'asked as web.test',
      );
    },
  },
  {
    name: 'using up the way out of all sandboxes',
    async run({ py, victim }) {
      const flood = `${PROXY}
many = []
for index in range(400):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    try: s.connect('/run/handoff-net/3128'); s.sendall(b'GET http://web.test/ HTTP/1.1\\r\\n'); many.append(s)
    except OSError: pass
def cut(s):
    s.setblocking(False)
    try: return s.recv(1) == b''
    except BlockingIOError: return False
    except OSError: return True
import time
deadline = time.time() + 10
while sum(1 for s in many if not cut(s)) > 256 and time.time() < deadline: time.sleep(0.05)
print(sum(1 for s in many if not cut(s)) <= 256, len(many) > 256)
open('/workspace/flooded', 'w')
time.sleep(2)`;
      const [flooded, served] = await Promise.all([
        py(flood),
        py(
          `${PROXY}every({'plain': status('GET http://web.test/ HTTP/1.1\\r\\nHost: web.test\\r\\n\\r\\n')})`,
          victim,
        ),
      ]);
      assert.deepEqual([flooded, served], ['True True', 'plain=200']);
    },
  },
];
