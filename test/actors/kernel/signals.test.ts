import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { AskAbortedError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { turn } from '../../support/until.js';
import { closeSystems, counter, testSystem } from './harness.js';

const CALLS = 40;

describe('calls that share an AbortSignal', () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);

  beforeEach(() => void process.on('warning', warned));
  afterEach(async () => {
    await closeSystems();
    // Warnings come in a turn of their own.
    await turn();
    process.off('warning', warned);
    expect(warnings.splice(0)).to.deep.equal([]);
  });

  it('may be any number, and leave nothing behind at it', async () => {
    const { system } = testSystem({}, { isReal: true });
    const gate = deferred();
    const ref = system.spawn(counter({ work: () => gate.promise.then(() => ({ value: 1 })) }));
    const other = system.spawn(counter());
    const { signal } = new AbortController();
    const asks = Array.from({ length: CALLS }, () => ref.work({}, { signal }));
    const streams = Array.from({ length: CALLS }, () => readAll(other.count({ value: 100 }, { signal })));
    await turn();
    expect(getEventListeners(signal, 'abort')).to.have.length(1);
    gate.resolve();
    await Promise.all([...asks, ...streams]);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
    await other.work({}, { signal });
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('may wait for room, too', async () => {
    const { system } = testSystem({}, { isReal: true });
    const gate = deferred();
    const ref = system.spawn(counter({ mailbox: { capacity: 8 }, push: () => gate.promise }));
    for (let value = 0; value < 8; value++) ref.push({ value });
    const { signal } = new AbortController();
    const waits = Array.from({ length: CALLS }, () => [ref.ready({ signal }), ref.whenReady.push({}, { signal })]);
    expect(getEventListeners(signal, 'abort')).to.have.length(1);
    gate.resolve();
    await Promise.all(waits.flat());
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('are all aborted by it, and only those', async () => {
    const { system } = testSystem();
    const held = counter({ work: () => new Promise(() => {}), count: () => new HeldStream() });
    const refs = Array.from({ length: CALLS }, () => system.spawn(held));
    const [one, other] = [new AbortController(), new AbortController()];
    const { signal } = one;
    const asks = refs.map((ref) => rejection(ref.work({}, { signal })));
    const streams = refs.map((ref) => readAll(ref.count({}, { signal })));
    const unharmed = rejection(system.spawn(held).work({}, { signal: other.signal }));
    await turn();
    one.abort();
    for (const error of await Promise.all(asks)) expect(error).to.be.instanceOf(AskAbortedError);
    for (const { error } of await Promise.all(streams)) expect(error).to.be.instanceOf(AskAbortedError);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
    expect(getEventListeners(other.signal, 'abort')).to.have.length(1);
    other.abort();
    await unharmed;
  });
});

/** Gives no element. */
class HeldStream implements AsyncIterable<never> {
  [Symbol.asyncIterator](): AsyncIterator<never> {
    return { next: () => new Promise(() => {}), return: async () => ({ done: true, value: undefined }) };
  }
}
