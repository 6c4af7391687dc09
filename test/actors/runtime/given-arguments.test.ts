import { expect } from 'chai';
import { ConfigError, Runtime } from '#src/index.js';
import { v1 } from '#src/protocol/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { rejection } from '../../support/rejection.js';
import { describeRuntime } from './harness.js';

/** Calls as JavaScript does: without the compiler. */
function call(on: object, name: string, ...args: readonly unknown[]): Promise<unknown> {
  const method: unknown = Reflect.get(on, name);
  if (typeof method !== 'function') throw new Error(`there is no ${name}`);
  return Promise.resolve().then((): unknown => Reflect.apply(method, on, args));
}

describeRuntime({ title: 'an argument of a runtime', linked: true }, (start) => {
  it('that is wrong is refused at once, with what it has to be', async () => {
    const { runtime } = await start();
    const described = behavior(v1.PartitionRuntime, { describe: () => ({}) });
    const before = runtime.metrics().actors;
    for (const [name, args, told] of [
      ['spawn', [v1.PartitionRuntime], 'spawn needs a behavior'],
      ['spawn', [described, { nam: 'x' }], 'Did you mean name?'],
      ['spawn', [described, { name: 'x', register: 'yes' }], 'register of runtime.spawn must be true or false'],
      ['lookup', ['pricing'], 'needs a service'],
      ['lookup', [v1.PartitionRuntime], 'needs a name'],
      ['lookup', [v1.PartitionRuntime, 'it', { timeout: 5 }], 'Did you mean timeoutMs?'],
      ['lookup', [v1.PartitionRuntime, 'it', { timeoutMs: '5' }], 'not "5"'],
      ['lookup', [v1.PartitionRuntime, 'it', { timeoutMs: -1 }], 'not -1'],
      ['register', ['it', described], 'needs the reference of an actor'],
      ['register', [undefined, described], 'needs a name'],
      // Half of a character: a peer would look up another name.
      ['register', ['\ud800', described], 'whole characters'],
      ['lookup', [v1.PartitionRuntime, '\ud800'], 'whole characters'],
      ['stopActor', [undefined], 'needs the reference of an actor'],
      ['run', ['flow.js'], 'needs a pipeline'],
      ['stop', [{ drainTimeout: 5 }], 'Did you mean drainTimeoutMs?'],
      ['stop', [{ drainTimeoutMs: '5' }], 'must be a number of milliseconds'],
    ] as const) {
      const error = await rejection(call(runtime, name, ...args));
      expect(error, `${name}: ${told}`).to.be.instanceOf(ConfigError).with.property('message').that.contains(told);
    }
    expect(runtime.metrics().actors).to.equal(before);
  });
});

describe('new Runtime()', () => {
  it('says how a runtime is started', () => {
    const constructor: unknown = Runtime;
    if (typeof constructor !== 'function') throw new Error('Runtime is no function');
    expect(() => void Reflect.construct(constructor, [])).to.throw(ConfigError, 'await Runtime.start(');
  });
});
