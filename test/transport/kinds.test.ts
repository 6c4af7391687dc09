import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { optionNames, optionTable } from '#src/options/index.js';
import { transportKinds, transportOptions, transportSettings } from '#src/transport/kinds/index.js';
import { root } from '../system/root.js';

/** Folders of src that may name a transport: its own, the list, what is generated from its protocol, and the gateway, whose clients are WebSockets. */
const ROOMS = /^(transport\/(?<room>\w+)|protocol\/generated|actors\/gateway)\//;

describe('the kinds of transport to other processes', () => {
  it('are named in their own folders and in the list, and nowhere else in src', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    );
    const outside = files.filter((path) => {
      const found = ROOMS.exec(path);
      const room = found?.groups?.['room'];
      return found === null || ['handshake', 'byte-stream', 'stack', 'memory'].includes(room ?? '');
    });
    expect(outside.length).to.be.greaterThan(300);
    const naming = outside.filter((path) => {
      const source = readFileSync(join(root, 'src', path), 'utf8');
      return transportKinds.some(({ name }) => source.includes(`transport/${name}/`) || source.includes(`../${name}/`));
    });
    expect(naming).to.deep.equal([]);
    const knowing = outside.filter((path) => /ucx/i.test(readFileSync(join(root, 'src', path), 'utf8')));
    expect(knowing).to.deep.equal([]);
  });

  it('have names and schemes of their own, so that each address belongs to one', () => {
    const names = transportKinds.map(({ name }) => name);
    const schemes = transportKinds.flatMap((kind) => kind.schemes);
    expect(new Set(names).size).to.equal(names.length);
    expect(new Set(schemes).size).to.equal(schemes.length);
    for (const scheme of schemes) expect(schemes.filter((other) => other.startsWith(scheme))).to.deep.equal([scheme]);
  });

  it('bring their options, which are in the table of all', () => {
    expect(Object.keys(transportOptions)).to.deep.equal(['ucx', 'ucxInterfaces', 'zmqListen', 'wsListen', 'wsOrigins']);
    expect(optionNames).to.include.members(Object.keys(transportOptions));
    expect(optionTable.ucx).to.equal(transportOptions.ucx);
  });

  it('make settings of the values of their options', () => {
    const unset = { ucx: 'auto', ucxInterfaces: '', zmqListen: 'none', wsListen: 'none', wsOrigins: '' } as const;
    expect(transportSettings(unset)).to.deep.equal({ ucx: 'auto' });
    expect(transportSettings({ ...unset, ucx: 'off', ucxInterfaces: 'lo,eth0' })).to.deep.equal({
      ucx: 'off',
      ucxInterfaces: ['lo', 'eth0'],
    });
    expect(transportSettings({ ...unset, zmqListen: 'zmq+tcp://127.0.0.1:0' })).to.deep.equal({
      ucx: 'auto',
      zmqListen: 'zmq+tcp://127.0.0.1:0',
    });
    const wsListen = 'ws://127.0.0.1:0/links';
    expect(transportSettings({ ...unset, wsListen, wsOrigins: 'https://a.example,http://b:81' })).to.deep.equal({
      ucx: 'auto',
      wsListen,
      wsOrigins: ['https://a.example', 'http://b:81'],
    });
  });
});
