// Gives a relay, which is started with `--import` of this, a little internet: the names in TEST_INTERNET are looked up there and nowhere
// else, and what it connects to by address, once that was checked, is a server of this machine or nothing. Each look-up and connection is a
// line of a file. What is checked, and how, stays the relay's own.

import dns from 'node:dns/promises';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const { names, sites, record } = JSON.parse(process.env.TEST_INTERNET);
const { lookup } = dns;
const { connect } = net;
const note = (line) => appendFileSync(record, `${line}\n`);

dns.lookup = async (name, options) => {
  const lists = names[name];
  if (lists === undefined) return lookup(name, options);
  const addresses = lists.length > 1 ? lists.shift() : lists[0];
  note(`looked up ${name}`);
  return addresses.map((address) => ({ address, family: net.isIP(address) }));
};

net.connect = (options, ...rest) => {
  // As `openFirst` asks: of addresses, and no name.
  if (options?.host !== 'checked') return connect(options, ...rest);
  let site;
  options.lookup('checked', {}, (_error, addresses) => {
    for (const { address } of addresses) {
      note(`connected to ${address}:${options.port}`);
      site ??= sites[`${address}:${options.port}`];
    }
  });
  return connect({ host: '127.0.0.1', port: site ?? 1, allowHalfOpen: true }, ...rest);
};

syncBuiltinESMExports();
