import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { UnreachableError } from '#src/errors.js';
import { Lane } from '#src/protocol/index.js';
import { Fabric } from '#src/transport/ucx/abi.js';
import { AddressTemplate } from '#src/transport/ucx/address-template.js';
import type { UcxTransport } from '#src/transport/ucx/index.js';
import { rejection } from '../../support/rejection.js';
import { numbered, Peer } from '../compliance/peer.js';
import { describeWithUcx } from './available.js';
import { Forger, KEY, segmentAt } from './forger.js';
import { Peers } from './peers.js';

const ATTRIBUTES = { fromEnd: 19, bytes: 16 } as const;

/** The address with another segment: the descriptor of a process. */
function withSegment(address: Uint8Array, pid: number, descriptor: number): Uint8Array {
  const changed = address.slice();
  const view = new DataView(changed.buffer, segmentAt(address));
  const flags = view.getBigUint64(0, true) >> 60n;
  view.setBigUint64(0, (flags << 60n) | (BigInt(descriptor) << 30n) | BigInt(pid), true);
  return changed;
}

function withByte(address: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = address.slice();
  changed[at] = byte;
  return changed;
}

/** A descriptor of this process with a segment of UCX that has another size than `sizeBytes`. */
function segmentOfAnotherSize(sizeBytes: number): number {
  const folder = '/proc/self/fd';
  const found = readdirSync(folder).find((name) => {
    const path = join(folder, name);
    try {
      return readlinkSync(path).includes('ucx_shm_posix_') && statSync(path).size !== sizeBytes;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error('UCX has no segment of another size');
  return Number(found);
}

describeWithUcx('a UCX address from a peer that holds the key', () => {
  let peers = new Peers();
  let forger = new Forger();

  beforeEach(() => {
    peers = new Peers();
    forger = new Forger();
  });

  afterEach(async () => {
    await forger.close();
    await peers.end();
  });

  /** Offers the address to a listener, and gives the refusal; then an honest peer links. */
  async function refusalOf(address: Uint8Array, fabric: Fabric = Fabric.sharedMemory): Promise<string> {
    const far = peers.transport({ key: KEY, interfaces: ['lo'] });
    const listening = await far.listen((link) => void new Peer(far, link));
    const refused = await rejection(forger.dial(listening, () => forger.hello(address, fabric)));
    expect(refused).to.be.instanceOf(UnreachableError);
    expect(far.statistics.links).to.equal(0);
    await links(listening);
    return String(refused);
  }

  async function links(address: string): Promise<void> {
    const near: UcxTransport = peers.transport({ key: KEY });
    const honest = new Peer(near, await near.connect(address, { timeoutMs: 20_000 }));
    await honest.send(Lane.data, numbered(1));
    honest.link.close();
    await honest.end();
  }

  it('that aborts UCX is refused by the listener, and by the dialer', async () => {
    const genuine = forger.genuine();
    const aborting = [withByte(genuine, 0, 0x2c), genuine.slice(0, 40)];
    for (const address of aborting) {
      expect(await refusalOf(address)).to.include('a form that this process does not know');
    }
    let next = 0;
    const listening = await forger.listen(() => forger.hello(aborting[next++ % aborting.length] ?? genuine));
    for (const _ of aborting) {
      const refused = await rejection(peers.transport({ key: KEY }).connect(listening, { timeoutMs: 20_000 }));
      expect(String(refused)).to.include('a form that this process does not know');
    }
  });

  it('that names a file of this user as memory is refused, and the file is not touched', async () => {
    const path = join(tmpdir(), `millrace-test-precious-${process.pid}`);
    writeFileSync(path, Buffer.alloc(100_000, 'precious '));
    const before = readFileSync(path);
    const descriptor = openSync(path, 'r+');
    try {
      const refused = await refusalOf(withSegment(forger.genuine(), process.pid, descriptor));
      expect(refused).to.include('which is not shared memory of UCX');
      expect(readFileSync(path).equals(before)).to.equal(true);
    } finally {
      closeSync(descriptor);
      rmSync(path);
    }
  });

  it('that names the memory of another process is refused', async () => {
    const { child } = await peers.echo();
    const refused = await refusalOf(withSegment(forger.genuine(), child.pid ?? 0, 20));
    expect(refused).to.include(`sent the memory of process ${child.pid}`);
  });

  it('that names a segment of another size is refused: UCX would be ended by SIGBUS', async () => {
    const genuine = forger.genuine();
    const view = new DataView(genuine.buffer, segmentAt(genuine));
    const own = Number((view.getBigUint64(0, true) >> 30n) & ((1n << 30n) - 1n));
    const other = segmentOfAnotherSize(statSync(`/proc/self/fd/${own}`).size);
    expect(await refusalOf(withSegment(genuine, process.pid, other))).to.include('were expected');
  });

  it('that names no descriptor is refused', async () => {
    expect(await refusalOf(withSegment(forger.genuine(), process.pid, 1_000_000))).to.include('cannot be reached');
  });

  it('is refused for shared memory when the kernel does not name the peer, as over TCP', async () => {
    const far = peers.transport({ key: KEY, listen: 'ucx+tcp://127.0.0.1:0' });
    const address = await far.listen(() => {});
    const refused = await rejection(forger.dial(address, () => forger.hello(forger.genuine())));
    expect(String(refused)).to.include('Shared memory needs a Unix socket');
  });

  it('is refused for TCP when its place is not an IP address with a port', async () => {
    const genuine = forger.genuine(Fabric.tcp);
    const family = 12;
    expect(await refusalOf(withByte(genuine, family, 1), Fabric.tcp)).to.include(
      'not contain an IP address with a port',
    );
    expect(await refusalOf(forger.genuine(), Fabric.tcp)).to.include('another transport');
  });

  it('reaches UCX with the attributes of this process, whatever the peer says of its speed', () => {
    const [own, theirs] = [forger.genuine(Fabric.tcp), forger.genuine(Fabric.tcp)];
    const start = theirs.length - ATTRIBUTES.fromEnd;
    const absurd = theirs.slice().fill(0xff, start, start + ATTRIBUTES.bytes);
    const filled = new AddressTemplate(Fabric.tcp, own).fill(absurd, undefined);
    expect(filled).to.deep.equal(theirs);
  });
});
