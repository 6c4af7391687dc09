import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import { type HostFlags, hostsOf, linksOf, nodesBeside } from '#src/cli/up-hosts.js';

const HERE = [
  'localhost',
  '::1',
  '::ffff:127.0.0.1',
  '127.1',
  'LOCALHOST',
  '127.0.0.1',
  '127.8.8.8',
  '[::1]',
  'me@localhost',
  hostname(),
];

describe('where the nodes of millrace up listen, and how others reach them', () => {
  const flagsOf = (hosts: string, more: Partial<HostFlags> = {}): HostFlags => ({ sshOption: [], hosts, ...more });
  const named = (hosts: string, more: Partial<HostFlags> = {}) => {
    const flags = flagsOf(hosts, more);
    const all = hostsOf(flags, {});
    return { all, launcher: linksOf(all, flags), nodes: all.map((host) => linksOf(all, flags, host)) };
  };

  it('is a socket file where no host is named', () => {
    const flags: HostFlags = { sshOption: [], nodes: 3 };
    const all = hostsOf(flags, {});
    for (const links of [linksOf(all, flags), ...all.map((host) => linksOf(all, flags, host))]) {
      expect(links).to.deep.equal({ listen: 'unix:', advertisedHost: '' });
    }
  });

  it('is loopback where all hosts are this machine', () => {
    for (const host of HERE) {
      const { launcher, nodes } = named(`${host},localhost`);
      for (const links of [launcher, ...nodes]) {
        expect(links, host).to.deep.equal({ listen: 'tcp://127.0.0.1:0', advertisedHost: '' });
      }
    }
  });

  it('is the name of each other host, and of this machine one that others know, where both are in the list', () => {
    for (const host of HERE) {
      const { launcher, nodes } = named(`${host},user@b.example`);
      expect(launcher, host).to.deep.equal({ listen: 'tcp://0.0.0.0:0', advertisedHost: hostname() });
      expect(nodes.map(({ advertisedHost }) => advertisedHost)).to.deep.equal([hostname(), 'b.example']);
      const advertised = named(`b.example,${host}`, { advertise: 'a.example' });
      expect(advertised.launcher.advertisedHost).to.equal('a.example');
      expect(advertised.nodes.map(({ advertisedHost }) => advertisedHost)).to.deep.equal(['b.example', 'a.example']);
    }
  });

  it('takes IPv6 with and without brackets, and gives ssh and the others the address alone', () => {
    for (const host of ['fd00::2', '[fd00::2]']) {
      const { all, nodes } = named(`me@${host},b.example`);
      expect(all.map((each) => each.host)).to.deep.equal(['me@fd00::2', 'b.example']);
      expect(nodes[0]?.advertisedHost).to.equal('fd00::2');
    }
  });

  it('refuses what is no host, and says where it stands', () => {
    const wrong = [
      'one.invalid:2',
      'node[01-03]',
      'x'.repeat(100_000),
      '-x',
      'a..b',
      '[a]',
      '::1::',
      '256.1.1.1',
      'a@b@c',
      '@a',
      'a b',
    ];
    const folder = mkdtempSync(join(tmpdir(), 'millrace-hosts-'));
    const hostfile = join(folder, 'hosts.txt');
    try {
      for (const host of wrong) {
        expect(() => hostsOf(flagsOf(`b.example,${host}`), {}), host)
          .to.throw(ConfigError, '--hosts: ')
          .with.property('message')
          .with.length.below(1_000);
        writeFileSync(hostfile, `b.example # the first\r\n\r\n${host}\r\n`);
        expect(() => hostsOf({ sshOption: [], hostfile }, {}), host).to.throw(ConfigError, `${hostfile}, line 3: `);
        expect(() => hostsOf(flagsOf('b.example', { advertise: host }), {}), host).to.throw(ConfigError, '--advertise');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('shares the processors of a machine among its nodes, under whatever names it is in the list', () => {
    const { all } = named(`localhost,b.example,user@b.example,127.0.0.1,${hostname()},c.example`);
    expect(all.map((host) => nodesBeside(all, host))).to.deep.equal([3, 2, 2, 3, 3, 1]);
  });
});
