import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { FileLock } from '#src/cluster-store/embedded/file-lock.js';
import { type ClusterStore, leaseIn, openClusterStore } from '#src/cluster-store/index.js';
import { ConfigError, type MillraceError, ResourceError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { millraceRejection, rejection } from '../support/rejection.js';
import { eventually } from '../support/until.js';
import { bytes, text } from './compliance.js';

describe('the file of an EmbeddedStore', () => {
  let folder: string;
  let path: string;
  const opened: ClusterStore[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-store-'));
    path = join(folder, 'store');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    rmSync(folder, { recursive: true });
  });

  async function open(at = path): Promise<ClusterStore> {
    const store = await openClusterStore(`embedded:${at}`, new RealScheduler());
    opened.push(store);
    return store;
  }

  /** A file with one key, as a store has written it. */
  async function written(): Promise<Uint8Array> {
    const store = await open();
    await store.compareAndSet('a', bytes('one'), undefined);
    await store.close();
    return readFileSync(path);
  }

  /** What opening this file says. It must leave the file as it is. */
  async function refusal(content: Uint8Array): Promise<MillraceError> {
    writeFileSync(path, content);
    const error = await millraceRejection(open());
    expect(readFileSync(path)).to.deep.equal(Buffer.from(content));
    expect(error).to.be.instanceOf(ConfigError);
    expect(error.message).to.include(path);
    return error;
  }

  it('says which process has its lock, and that this is its trouble until a call succeeds', async () => {
    const store = await open();
    const troubles: (string | undefined)[] = [];
    store.onTrouble?.((trouble) => void troubles.push(trouble?.code));
    const scheduler = new RealScheduler();
    const lock = await FileLock.take(`${path}.lock`, scheduler, scheduler.now() + 5_000);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const error = await millraceRejection(store.compareAndSet('a', bytes('one'), undefined, { timeoutMs: 1_500 }));
      expect(error).to.be.instanceOf(UnreachableError);
      expect(error.message).to.include(`Process ${process.pid} `);
      expect(store.trouble).to.equal(error);
    }
    await lock.release();
    await store.compareAndSet('a', bytes('one'), undefined);
    expect(store.trouble).to.equal(undefined);
    expect(troubles).to.deep.equal(['UNREACHABLE', undefined]);
  });

  it('is written again by the holder of a lease when it was deleted: the lease goes on, and nobody else gets it', async () => {
    const [holder, candidate] = [await open(), await open()];
    const lease = await holder.lease('k', bytes('holder'), { ttlMs: 1_000 });
    const waiting = new AbortController();
    const wait = rejection(candidate.lease('k', bytes('candidate'), { ttlMs: 1_000, signal: waiting.signal }));
    // The first look of the candidate is before the last of these.
    for (let look = 0; look < 20; look += 1) await candidate.get('k');
    rmSync(path);
    await eventually(() => existsSync(path));
    expect(lease.isHeld).to.equal(true);
    expect(leaseIn(await holder.get('k'), 'k')).to.deep.include({ epoch: lease.epoch, holder: bytes('holder') });
    waiting.abort();
    await wait;
  });

  it('has what was written when it is opened again', async () => {
    await written();
    expect(text(await (await open()).get('a'))).to.equal('one');
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it('is refused, and left as it is, where any part of it is missing', async () => {
    const whole = await written();
    for (let length = 0; length < whole.length; length += 7) {
      expect((await refusal(whole.subarray(0, length))).message).to.match(/is damaged|is empty/);
    }
    expect((await refusal(Buffer.concat([whole, bytes('x')]))).message).to.include('is damaged');
  });

  it('is refused, and left as it is, where any byte of it is another', async () => {
    const whole = await written();
    for (let index = 0; index < whole.length; index += 5) {
      const changed = Uint8Array.from(whole);
      changed[index] = (changed[index] ?? 0) ^ 1;
      await refusal(changed);
    }
  });

  it('is refused, and left as it is, where another program or a newer version wrote it', async () => {
    const whole = Buffer.from(await written()).toString();
    expect((await refusal(bytes('{"name":"shop"}\n'))).message).to.include('another program');
    expect((await refusal(new Uint8Array(300))).message).to.include('another program');
    const newer = Buffer.from(whole.replace(' 1 ', ' 2 '));
    expect((await refusal(newer)).message).to.include('version 2');
  });

  it('is not overwritten when it is damaged while a store is open', async () => {
    const store = await open();
    const set = await store.compareAndSet('a', bytes('one'), undefined);
    const torn = readFileSync(path).subarray(0, 40);
    writeFileSync(path, torn);
    const revision = set.isSet ? set.revision : undefined;
    expect(await rejection(store.compareAndSet('a', bytes('two'), revision))).to.be.instanceOf(ConfigError);
    expect(await rejection(store.get('a'))).to.be.instanceOf(ConfigError);
    expect(readFileSync(path)).to.deep.equal(torn);
  });

  it('does not lose what was there when a writer ended in the middle of its work', async () => {
    await written();
    writeFileSync(`${path}.new`, 'half of a');
    const store = await open();
    expect(text(await store.get('a'))).to.equal('one');
    expect((await store.compareAndSet('b', bytes('two'), undefined)).isSet).to.equal(true);
    expect(text(await store.get('a'))).to.equal('one');
  });

  it('is one file also where its name is a link, and may have no second name', async () => {
    await written();
    symlinkSync(path, join(folder, 'link'));
    const store = await open(join(folder, 'link'));
    await store.compareAndSet('b', bytes('two'), undefined);
    expect(text(await (await open()).get('b'))).to.equal('two');
    linkSync(path, join(folder, 'second'));
    expect(String(await rejection(open()))).to.include('hard links');
    symlinkSync(join(folder, 'nothing'), join(folder, 'dangling'));
    expect(String(await rejection(open(join(folder, 'dangling'))))).to.include('symbolic link');
  });

  it('is refused where it is no file, or has no folder', async () => {
    expect(await rejection(open(join(folder, 'none', 'store')))).to.be.instanceOf(ConfigError);
    mkdirSync(path);
    expect(await rejection(open())).to.be.instanceOf(ConfigError);
  });

  it('keeps its permissions', async () => {
    await written();
    chmodSync(path, 0o640);
    await (await open()).compareAndSet('b', bytes('two'), undefined);
    expect(statSync(path).mode & 0o777).to.equal(0o640);
  });

  it('takes no more than its bound, and keeps what it has', async () => {
    const store = await open();
    const large = new Uint8Array(limits.storeValueBytes);
    let key = 0;
    let error: unknown;
    while (error === undefined) {
      key += 1;
      await store.compareAndSet(`key-${key}`, large, undefined).catch((cause: unknown) => {
        error = cause;
      });
    }
    expect(error).to.be.instanceOf(ResourceError);
    expect(await store.get(`key-${key}`)).to.equal(undefined);
    expect((await store.get(`key-${key - 1}`))?.value).to.deep.equal(large);
  });
});
