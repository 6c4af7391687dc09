import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { pendingBecause } from '../support/pending.js';
import { untyped } from './sources.js';
import {
  describeOptions,
  nearestName,
  type OptionSources,
  optionNames,
  readOptionsFile,
  resolveOptions,
} from '#src/options/index.js';

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
    expect(() => resolveOptions(untyped({ zzzzzzzz: 1 }))).to.throw(ConfigError, 'The options are logLevel, ');
  });

  it('ignores the variables that Kubernetes sets for a Service named millrace, with one notice', () => {
    const env = {
      MILLRACE_SERVICE_HOST: '10.0.0.7',
      MILLRACE_SERVICE_PORT: '8080',
      MILLRACE_SERVICE_PORT_HTTP: '8080',
      MILLRACE_PORT: 'tcp://10.0.0.7:8080',
      MILLRACE_PORT_8080_TCP: 'tcp://10.0.0.7:8080',
      MILLRACE_PORT_8080_TCP_PROTO: 'tcp',
      MILLRACE_PORT_8080_TCP_PORT: '8080',
      MILLRACE_PORT_8080_TCP_ADDR: '10.0.0.7',
      MILLRACE_LISTEN_SERVICE_HOST: '10.0.0.8',
      MILLRACE_PARTITIONS: '3',
    };
    const { values, notice } = resolveOptions({ env });
    expect(values).to.deep.equal({ ...resolveOptions().values, partitions: 3 });
    expect(notice).to.include('MILLRACE_SERVICE_HOST').and.include('and 1 more').and.not.include('did you mean');
  });

  it('ignores what a platform gives to a variable of an option, where the option refuses it', () => {
    const env = { MILLRACE_PARTITIONS: 'tcp://10.0.0.7:80', MILLRACE_NODE_NAME: '/web/millrace_node' };
    const { values, notice } = resolveOptions({ env });
    expect(values).to.deep.equal(resolveOptions().values);
    expect(notice).to.include('MILLRACE_PARTITIONS').and.include('MILLRACE_NODE_NAME');
  });

  it('refuses a wrong address in the variables of addresses: ignoring it would leave the process unreachable', () => {
    for (const variable of ['MILLRACE_LISTEN', 'MILLRACE_CONTROL_PLANE']) {
      const resolve = (): unknown => resolveOptions({ env: { [variable]: 'tcp://host:99999' } });
      expect(resolve).to.throw(ConfigError, `from ${variable}`).with.property('message').that.includes('65535');
    }
  });

  it('accepts every address at which a process can listen, and all that lead to one', () => {
    for (const listen of ['none', 'unix:', 'unix:/run/a.sock', 'tcp://[::1]:0', 'tls://0.0.0.0:65535']) {
      expect(resolveOptions({ code: { listen } }).values).to.include({ listen });
    }
    const ways = [
      'unix:/x#1',
      'tcp://host:1',
      'local:1!memory://a/b/0 ucx+unix:/y#2 tcp://127.0.0.1:7#1',
      'ucx+unix:/y unix:/y#a',
      'ws://host/links',
      'zmq+tcp://host:1',
      'zmq+ipc:/tmp/a/link#1',
      'unix:/x#1 wss://[::1]:8443/#a',
    ];
    for (const controlPlane of ways)
      expect(resolveOptions({ code: { controlPlane } }).values).to.include({ controlPlane });
  });

  it('has no option whose variable is one of Kubernetes', () => {
    for (const { variable } of describeOptions()) expect(variable).to.not.match(/_(SERVICE_\w+|PORT(_\w+)?|ENV_\w+)$/);
  });

  it('ignores empty variables, which then win over nothing', () => {
    const env = Object.fromEntries(describeOptions().map(({ variable }, index) => [variable, index % 2 ? '' : ' \t']));
    const values = { cpuset: '0-3', logLevel: 'warn' };
    const resolved = resolveOptions({ env, file: { path: 'm.json', values } });
    expect(resolved.values).to.deep.equal({ ...resolveOptions().values, ...values });
    expect(resolved.notice).to.include('MILLRACE_LOG_LEVEL (empty)').and.not.include('did you mean');
  });

  it('suggests what a misspelt variable may have meant, first of all that it ignores', () => {
    const env = { MILLRACE_PORT: '1', MILLRACE_PARTITION: '1', MILLRACE_WHATEVER: '1', PATH: '/bin' };
    expect(resolveOptions({ env }).notice).to.equal(
      'Ignored environment variables that set no option of Millrace: MILLRACE_PARTITION (did you mean MILLRACE_PARTITIONS?), MILLRACE_PORT, MILLRACE_WHATEVER.',
    );
    expect(resolveOptions({ env: { PATH: '/bin', MILLRACE_UCX: 'off' } }).notice).to.equal(undefined);
  });

  const wrong: Record<string, readonly unknown[]> = {
    logLevel: ['verbose', 3, null],
    logFormat: ['xml', true],
    nodeName: ['', 'two words', 5],
    listen: [
      '',
      'everywhere',
      'unix:relative',
      'tcp://host',
      'http://host:80',
      7,
      'tcp://h:65536',
      'tls://h:99999',
      'tcp://::1:80',
      'tcp://[zz]:80',
      'tcp://:80',
      'unix:/a b',
      `unix:/${'x'.repeat(107)}`,
      'tcp://h:80#token',
    ],
    advertisedHost: [
      'two words',
      'http://host',
      'a:b',
      '-x',
      'a..b',
      '[::1]',
      '256.1.1.1',
      'x'.repeat(64),
      'a.'.repeat(127),
      5,
    ],
    controlPlane: [
      '',
      'there',
      'http://host:80',
      null,
      'tcp://host',
      'tcp://h:0',
      'tcp://h:65536',
      'tls://h:99999',
      'unix:',
      'unix:relative',
      'tcp://::1:80',
      'unix:/a tcp://h:99999',
      'zmq+ipc:',
      'zmq+tcp://h:0',
      'zmq+tcp:there',
      'local:1!memory://a/b/0',
    ],
    clusterKeyFile: [' padded ', 'a\0b', 5],
    keyFileReaders: ['others', 0o600],
    clusterStore: ['', 'file', 'embedded:', 'nats://', 'nats://a:0', 'nats://a:1/b c', 'nats://a,,b', 7],
    clusterRole: ['leader', true],
    leaseMs: [499, 1.5, '5000'],
    seeds: ['here', ['tcp://h:0'], ['tcp://h:1', 7], 7, Array.from({ length: 65 }, () => 'unix:/a')],
    peersFile: [' ', 5],
    probeMs: [19, 60_001, '1000'],
    coordinationBytes: [0, 1.5],
    keyless: ['anywhere', true],
    tlsCertFile: [' ', 5],
    tlsKeyFile: [' ', {}],
    tlsCaFile: [' ', []],
    ucx: ['on', true],
    ucxInterfaces: ['eth0 eth1', 'eth0,', 7],
    wsListen: ['', 'tcp://a:1', 'ws:', 'ws://a:99999/', 'ws://a:1/b c', 'ws://a:1/#x', 7],
    zmqListen: [
      '',
      'zmq+tcp:',
      'zmq+tcp://a:99999',
      'zmq+ipc:/a path',
      'zmq+ipc:/tmp/a',
      'tcp://a:1',
      'zmq+tcp://a:1#x',
      7,
    ],
    wsOrigins: ['https://a/', 'a.example', 'https://a,,https://b', 7],
    partitions: ['many', 0, 1_025, 1.5],
    placement: ['', 'far', 1],
    cpuset: ['all', '3-', '0 1', '-1', '3-0', '0,5-4', '65536', ',', 4],
    callChain: ['64', 0, -1, 0.5, Number.NaN, 1_025, null, {}, [5]],
    askTimeoutMs: ['1000', 0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, null, {}, [5]],
    stopTimeoutMs: ['soon', 0],
    linkDeadMs: [99, false],
    mailboxMessages: [7, 2 ** 24 + 1],
    mailboxBytes: [65_535, 'lots'],
    borrowedFields: ['mapped', true],
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

  it('reads UTF-8 with a byte order mark, any line ends, any space, and through a link', () => {
    const path = join(folder, 'real.json');
    writeFileSync(path, '\ufeff\r\n{\r\n\t"partitions": 2,\r\n "nodeName": "a\\u002db"\r\n}\r\n');
    symlinkSync(path, join(folder, 'millrace.config.json'));
    expect(resolveOptions({ file: readOptionsFile({ folder }) }).values).to.include({ partitions: 2, nodeName: 'a-b' });
  });

  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const broken: Readonly<Record<string, readonly [content: string | Uint8Array, includes: string]>> = {
    'half an object': ['{ "partitions": ', 'is not JSON: '],
    'a comment': ['{ // none\n}', 'is not JSON: '],
    'a repeated key': ['{ "logLevel": "warn", "x": { "logLevel": 1 }, "log\\u004cevel": "info" }', '"logLevel" twice'],
    'an unknown key': ['{ "loglevel": "warn" }', 'Did you mean logLevel?'],
    'a key that is special in JavaScript': ['{ "__proto__": {} }', 'Option __proto__ '],
    'a value in one another a hundred thousand times': [`{ "logLevel": ${deep} }`, 'Option logLevel is an array'],
    'nothing but brackets': [deep, 'holds no JSON object'],
    'an array': ['[1]', 'holds no JSON object'],
    null: ['null', 'holds no JSON object'],
    'a number': ['3', 'holds no JSON object'],
    nothing: ['', 'is empty'],
    'a byte order mark alone': ['\ufeff\r\n', 'is empty'],
    'UTF-16': [Buffer.from('\ufeff{"partitions":2}', 'utf16le'), 'UTF-16'],
    'UTF-16 from the other end': [Buffer.from('\ufeff{"partitions":2}', 'utf16le').swap16(), 'UTF-16'],
    'UTF-16 without a mark': [Buffer.from('{"partitions":2}', 'utf16le'), 'UTF-16'],
    'bytes that are no UTF-8': [Buffer.from('{"nodeName":"caf\u00e9"}', 'latin1'), 'is not UTF-8'],
    'a text of two megabytes': [`{"nodeName":"${'a'.repeat(2 ** 21)}"}`, 'more than the 1048576'],
    'a text of nearly one megabyte': [`{"nodeName":"${'a'.repeat(2 ** 20 - 40)}"}`, 'Option nodeName is '],
  };
  for (const [what, [content, includes]] of Object.entries(broken)) {
    it(`names the file and the cause where it holds ${what}`, () => {
      const path = join(folder, 'other.json');
      writeFileSync(path, content);
      expect(() => resolveOptions({ file: readOptionsFile({ folder, path }) }))
        .to.throw(ConfigError)
        .with.property('message')
        .that.includes(path)
        .and.includes(includes)
        .and.has.length.below(600);
    });
  }

  it('names what is no file, or may not be read, and why', () => {
    const path = join(folder, 'millrace.config.json');
    expect(() => readOptionsFile({ folder, path })).to.throw(ConfigError, `${path} cannot be read: ENOENT`);
    symlinkSync(join(folder, 'nowhere'), path);
    expect(() => readOptionsFile({ folder })).to.throw(ConfigError, `${path} cannot be read: ENOENT`);
    unlinkSync(path);
    symlinkSync(path, path);
    expect(() => readOptionsFile({ folder })).to.throw(ConfigError, `${path} cannot be read: ELOOP`);
    unlinkSync(path);
    mkdirSync(path);
    expect(() => readOptionsFile({ folder })).to.throw(ConfigError, `${path} cannot be read: it is a folder`);
    expect(() => readOptionsFile({ folder, path: '/dev/null' })).to.throw(ConfigError, 'it is not a regular file');
  });

  it('names a file that this user may not read, and takes a folder that may not be searched for one without', function () {
    if (process.getuid?.() === 0) pendingBecause(this, 'root may read every file');
    const path = join(folder, 'millrace.config.json');
    writeFileSync(path, '{}', { mode: 0 });
    expect(() => readOptionsFile({ folder })).to.throw(ConfigError, `${path} cannot be read: EACCES`);
    chmodSync(folder, 0);
    expect(readOptionsFile({ folder })).to.equal(undefined);
    chmodSync(folder, 0o700);
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
