import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import {
  describeOptions,
  nearestName,
  type OptionSources,
  optionNames,
  readOptionsFile,
  resolveOptions,
} from '#src/options/index.js';

/** Values that no caller with types could pass. */
const untyped = (code: Record<string, unknown>): OptionSources => ({ code: code as OptionSources['code'] & {} });
const inFile = (values: Record<string, unknown>): OptionSources => ({ file: { path: 'm.json', values } });

describe('resolveOptions', () => {
  it('has a default for every option, and says so', () => {
    const { values, provenance } = resolveOptions();
    expect(Object.keys(values).toSorted()).to.deep.equal([...optionNames].toSorted());
    expect(values.askTimeoutMs).to.equal(limits.askTimeoutMs);
    expect(values.partitions).to.equal(1);
    expect(new Set(Object.values(provenance).map(({ source }) => source))).to.deep.equal(new Set(['default']));
  });

  it('lets no other process in unless told to', () => {
    expect(resolveOptions().values).to.include({ listen: 'none', controlPlane: 'none', keyless: 'unix' });
  });

  it('prefers code to environment to file to default, and remembers which it was', () => {
    const { values, provenance } = resolveOptions({
      code: { askTimeoutMs: 1, logLevel: undefined },
      env: { MILLRACE_ASK_TIMEOUT_MS: '2', MILLRACE_LOG_LEVEL: 'debug', PATH: '/bin' },
      file: { path: 'm.json', values: { askTimeoutMs: 3, logLevel: 'warn', partitions: 4 } },
    });
    expect(values).to.include({ askTimeoutMs: 1, logLevel: 'debug', partitions: 4, streamItems: limits.streamItems });
    expect(provenance.askTimeoutMs).to.deep.equal({ source: 'code' });
    expect(provenance.logLevel).to.deep.equal({ source: 'environment', variable: 'MILLRACE_LOG_LEVEL' });
    expect(provenance.partitions).to.deep.equal({ source: 'file', path: 'm.json' });
    expect(provenance.streamItems).to.deep.equal({ source: 'default' });
  });

  it('types its values from the table', () => {
    const { values } = resolveOptions();
    const timeout: number = values.askTimeoutMs;
    const level: 'debug' | 'info' | 'warn' | 'error' | 'silent' = values.logLevel;
    const partitions: number | 'auto' | 'machine' | 'package' | 'numa' | 'l3' | 'core' = values.partitions;
    // @ts-expect-error: a number is no text.
    const wrong: string = values.askTimeoutMs;
    expect([timeout, level, partitions, wrong]).to.have.length(4);
  });

  it('suggests the nearest name for one that is not known', () => {
    expect(() => resolveOptions(untyped({ askTimoutMs: 1 }))).to.throw(ConfigError, 'Did you mean askTimeoutMs?');
    expect(() => resolveOptions(inFile({ loglevel: 'info' }))).to.throw(
      ConfigError,
      'in m.json is not known. Did you mean logLevel?',
    );
    expect(() => resolveOptions({ env: { MILLRACE_PARTITION: '1' } })).to.throw(
      ConfigError,
      'Did you mean MILLRACE_PARTITIONS?',
    );
    expect(() => resolveOptions(untyped({ zzzzzzzz: 1 }))).to.throw(ConfigError, 'Known are logLevel, ');
  });

  it('leaves alone variables that belong to others', () => {
    const { values } = resolveOptions({ env: { MILLRACE_P_UID: '7' }, otherVariables: ['MILLRACE_P_UID'] });
    expect(values).to.not.have.property('pUid');
  });

  const wrong: Record<string, readonly unknown[]> = {
    logLevel: ['verbose', 3, null],
    logFormat: ['xml', true],
    nodeName: ['', 'two words', 5],
    listen: ['', 'everywhere', 'unix:relative', 'tcp://host', 'http://host:80', 7],
    advertisedHost: ['two words', 'http://host', 5],
    controlPlane: ['', 'there', 'http://host:80', null],
    clusterKeyFile: [' padded ', 'a\0b', 5],
    keyless: ['anywhere', true],
    tlsCertFile: [' ', 5],
    tlsKeyFile: [' ', {}],
    tlsCaFile: [' ', []],
    ucx: ['on', true],
    ucxInterfaces: ['eth0 eth1', 'eth0,', 7],
    partitions: ['many', 0, 1_025, 1.5],
    placement: ['', 'far', 1],
    cpuset: ['all', '3-', '0 1', '-1', 4],
    askTimeoutMs: ['1000', 0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, null, {}, [5]],
    stopTimeoutMs: ['soon', 0],
    linkDeadMs: [99, false],
    mailboxMessages: [7, 2 ** 24 + 1],
    mailboxBytes: [65_535, 'lots'],
    maxMessageBytes: [1_023, '1 MB'],
    streamItems: [0, 10n],
    streamBytes: [1, Symbol('x')],
    linkBacklogBytes: [1, () => 1],
  };

  it('has wrong values to try for every option', () => {
    expect(Object.keys(wrong).toSorted()).to.deep.equal([...optionNames].toSorted());
  });

  for (const option of describeOptions()) {
    it(`refuses what ${option.name} does not accept, naming it and what it accepts`, () => {
      for (const value of wrong[option.name] ?? []) {
        for (const source of [untyped({ [option.name]: value }), inFile({ [option.name]: value })]) {
          expect(() => resolveOptions(source), String(value))
            .to.throw(ConfigError)
            .with.property('message')
            .that.includes(`Option ${option.name} is `)
            .and.includes(`accepts ${option.accepts}`);
        }
      }
      const env = { [option.variable]: ' ? ' };
      expect(() => resolveOptions({ env })).to.throw(
        ConfigError,
        `Option ${option.name} is " ? " from ${option.variable}`,
      );
    });
  }
});

describe('readOptionsFile', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-options-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('reads millrace.config.json where there is one', () => {
    expect(readOptionsFile({ folder })).to.equal(undefined);
    writeFileSync(join(folder, 'millrace.config.json'), '{ "partitions": 2 }');
    expect(resolveOptions({ file: readOptionsFile({ folder }) }).values.partitions).to.equal(2);
  });

  it('says which file is missing, broken, or no object', () => {
    const path = join(folder, 'other.json');
    expect(() => readOptionsFile({ folder, path })).to.throw(ConfigError, path);
    writeFileSync(path, '{ "partitions": ');
    expect(() => readOptionsFile({ folder, path })).to.throw(ConfigError, 'is not JSON');
    for (const text of ['[1]', 'null', '3']) {
      writeFileSync(path, text);
      expect(() => readOptionsFile({ folder, path })).to.throw(ConfigError, 'holds no JSON object');
    }
  });
});

describe('describeOptions', () => {
  it('tells the value in force and where it came from', () => {
    const described = describeOptions(resolveOptions({ env: { MILLRACE_PARTITIONS: '3' } }));
    const partitions = described.find(({ name }) => name === 'partitions');
    expect(partitions).to.include({ value: '3', from: 'MILLRACE_PARTITIONS', default: '1' });
  });
});

describe('nearestName', () => {
  it('finds the nearest, and nothing where all are far', () => {
    expect(nearestName('instnces', ['instances', 'input'])).to.equal('instances');
    expect(nearestName('qqqqqq', ['instances', 'input'])).to.equal(undefined);
  });
});
