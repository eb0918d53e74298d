import assert from 'node:assert/strict';
import { portsOf } from '../../../server/sandbox/supervisor/ports.ts';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (local: string, state: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 23 1 00 100 0 0 10 0`;
const LISTEN = '0A';

describe('the ports of a sandbox', () => {
  it('are those on which something listens that loopback reaches, once each, ascending', () => {
    const table = [
      HEADER,
      line('0100007F:1F90', LISTEN), // 127.0.0.1:8080
      line('00000000:0050', LISTEN), // 0.0.0.0:80
      line('0B00007F:A3D5', LISTEN), // 127.0.0.11, as a container's name server has it
      line('0200A8C0:0051', LISTEN), // 192.168.0.2
      line('0100007F:0052', '01'), // a connection
      HEADER,
      line('00000000000000000000000001000000:1F90', LISTEN), // [::1]:8080
      line('00000000000000000000000000000000:1388', LISTEN), // [::]:5000
      line('0000000000000000FFFF00000100007F:1389', LISTEN), // [::ffff:127.0.0.1]:5001
      '',
    ].join('\n');
    assert.deepEqual(portsOf(table), [80, 5000, 5001, 8080]);
  });

  it('leave out those of Handoff', () => {
    assert.deepEqual(portsOf(line('0100007F:0C38', LISTEN)), []);
  });

  it('are none where the kernel prints something else', () => {
    assert.deepEqual(portsOf('nonsense\n\n: :'), []);
  });
});
