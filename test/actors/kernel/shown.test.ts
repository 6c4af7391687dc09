import { inspect } from 'node:util';
import { expect } from 'chai';
import { closeSystems, testSystem, worker } from './harness.js';

describe('what people see', () => {
  afterEach(closeSystems);

  it('of a reference is its service and its path, in logs and in JSON', () => {
    const { system } = testSystem();
    const ref = system.spawn(worker(), { name: 'it' });
    expect(inspect(ref)).to.match(/^ActorRef<\S+\.Worker .*it>$/);
    expect(inspect({ ref }).split('\n')).to.have.length(1);
    const json: unknown = JSON.parse(JSON.stringify({ ref }));
    expect(json).to.deep.equal({ ref: { service: ref.service.typeName, path: ref.path.toString() } });
  });

  it('of a behavior is its service', () => {
    expect(inspect(worker())).to.match(/^Behavior<\S+\.Worker>$/);
  });
});
