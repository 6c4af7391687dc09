import { expect } from 'chai';
import { checkRoleStart } from '#src/actors/services/programs/role-start.js';
import { ConfigError } from '#src/errors.js';

const shared = {
  run: 'flights-12345678',
  folder: '',
  key: 'secret',
  listen: 'unix:',
  advertisedHost: '',
  launcher: 'unix:/x',
  secret: 'of the process',
  store: { address: 'embedded:/x', leaseMs: 5_000 },
  version: '1.0.0',
  environment: { MILLRACE_PARTITIONS: '2' },
  logLevel: 'warn',
  node: 'node-0',
};
const node = { ...shared, role: 'node', hostId: 7n, sharedBy: 1, faults: '' };
const services = { ...shared, role: 'global-services', nodeAddress: 'unix:/x', nodeIndex: 0, nodes: 3 };

const wrongStores = [null, {}, { address: 7, leaseMs: 1 }, { address: 'x', leaseMs: 0 }].map((store) => ({
  ...node,
  store,
}));

describe('the start data of a process with a role', () => {
  it('is taken as the launcher and the nodes write it', () => {
    expect(checkRoleStart(node, '1.0.0')).to.equal(node);
    expect(checkRoleStart(services, '1.0.0')).to.equal(services);
    const storeless = { ...node, store: undefined };
    expect(checkRoleStart(storeless, '1.0.0')).to.equal(storeless);
  });

  it('is refused where anything is missing, or of another type', () => {
    for (const start of [node, services]) {
      for (const name of Object.keys(start).filter((each) => each !== 'store')) {
        const { [name]: _, ...rest } = start as Record<string, unknown>;
        for (const wrong of [rest, { ...start, [name]: null }, { ...start, [name]: [] }]) {
          expect(() => checkRoleStart(wrong, '1.0.0'), name).to.throw(ConfigError, 'invalid start data');
        }
      }
    }
    for (const wrong of [
      undefined,
      null,
      7,
      'node',
      [],
      { ...node, sharedBy: 0 },
      { ...services, nodes: 1.5 },
      ...wrongStores,
    ]) {
      expect(() => checkRoleStart(wrong, '1.0.0')).to.throw(ConfigError, 'invalid start data');
    }
  });

  it('is refused with the name of a folder that is not one of its own', () => {
    for (const name of ['', '.', '..', '../x', 'a/b', '/tmp', 'launcher', 'a\0b']) {
      expect(() => checkRoleStart({ ...node, node: name }, '1.0.0'), name).to.throw(ConfigError);
      expect(() => checkRoleStart({ ...node, run: name }, '1.0.0'), name).to.throw(ConfigError);
    }
  });

  it('is refused from a launcher of another version, which is named', () => {
    expect(() => checkRoleStart(node, '2.0.0')).to.throw(ConfigError, 'Millrace 1.0.0, and this host 2.0.0');
  });
});
