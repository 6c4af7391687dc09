import { Writable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { createLogger, type LoggerOptions, LOG_LEVELS, memoryLogger, silentLogger } from '#src/logging/index.js';

/** What a logger writes, line by line. */
function capture(
  options: Omit<LoggerOptions, 'destination'>,
  isTTY = false,
): { log: ReturnType<typeof createLogger>; lines: string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(...chunk.toString().trimEnd().split('\n'));
      done();
    },
  });
  return { log: createLogger({ ...options, destination: Object.assign(stream, { isTTY }) }), lines };
}

interface Shown {
  readonly level: string;
  readonly error: { readonly message: string; readonly stack: string; readonly cause: unknown };
}

const parse = (line: string | undefined): Shown => JSON.parse(line ?? 'null') as Shown;

describe('createLogger', () => {
  it('writes one JSON object a line where nobody watches', () => {
    const { log, lines } = capture({});
    log.child({ partition: 2 }).warn('mailbox is full', { actor: 'system/pricing' });
    expect(lines).to.have.length(1);
    expect(parse(lines[0])).to.include({
      level: 'warn',
      message: 'mailbox is full',
      partition: 2,
      actor: 'system/pricing',
    });
    expect(parse(lines[0]))
      .to.have.property('timestamp')
      .that.matches(/^\d{4}-\d\d-\d\dT/);
  });

  it('writes text on a terminal', () => {
    const { log, lines } = capture({}, true);
    log.info('segment started', { segment: 'tally', instances: 4, note: 'two words' });
    expect(lines[0]).to.match(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}segment started {2}segment=tally instances=4 note="two words"$/,
    );
  });

  it('takes the form it is told, whoever watches', () => {
    const json = capture({ format: 'json' }, true);
    json.log.info('a');
    expect(parse(json.lines[0])).to.include({ message: 'a' });
    const text = capture({ format: 'text' });
    text.log.info('a');
    expect(text.lines[0]).to.match(/ info {2}a$/);
  });

  for (const [index, level] of LOG_LEVELS.entries()) {
    it(`drops what is below ${level}, for children too`, () => {
      const { log, lines } = capture({ level });
      for (const name of LOG_LEVELS) log.child({})[name]('x');
      expect(lines.map((line) => parse(line).level)).to.deep.equal(LOG_LEVELS.slice(index));
    });
  }

  it('shows errors with code, stack and cause', () => {
    const { log, lines } = capture({});
    const error = Object.assign(new Error('outer', { cause: new RangeError('inner') }), { code: 'BROKEN' });
    log.error('failed', { error });
    const { error: shown } = parse(lines[0]);
    expect(shown).to.include({ message: 'outer', code: 'BROKEN' });
    expect(shown.stack).to.include('logging.test');
    expect(shown.cause).to.include({ name: 'RangeError', message: 'inner' });
  });

  describe('as text', () => {
    const steering = '\u001b]0;title\u0007\u001b[2J\u009b31m\u202e\r\u007f';
    const forged = `${steering}\n12:00:00.000 error  forged  node=vm`;
    const hostile = (): Error => {
      const error = Object.assign(new Error(forged, { cause: new Error(`inner ${forged}`, { cause: forged }) }), {
        code: forged,
      });
      error.stack = `${error.stack}\n    at ${forged}`;
      return error;
    };

    it('lets no text of others steer the terminal, or pass for a record of its own', () => {
      const { log, lines } = capture({}, true);
      const fields = {
        [forged]: 1,
        bare: steering.replaceAll('\r', ''),
        text: forged,
        list: [forged],
        error: hostile(),
      };
      log.child(fields).error(forged);
      log.info('after');
      for (const line of lines) {
        // oxlint-disable-next-line no-control-regex -- these are what must not be there.
        expect(line).to.not.match(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      }
      const records = lines.filter((line) => /^\d\d:\d\d/.test(line));
      expect(records).to.have.length(2);
      expect(records[0]).to.include(String.raw`\x1b[2J\x9b31m\u202e\r\x7f\n12:00:00.000 error  forged`);
    });

    it('shows the stack of an error and of its causes, indented', () => {
      const { log, lines } = capture({}, true);
      const inner = new RangeError('inner', { cause: 'the disk' });
      log.error('failed', { error: new TypeError('outer', { cause: inner }) });
      expect(lines[0]).to.match(/ error failed {2}error="outer"/);
      expect(lines[1]).to.equal('  TypeError: outer');
      expect(lines[2]).to.match(/^ {6}at .*logging\.test/);
      const second = lines.indexOf('  caused by: RangeError: inner');
      expect(second).to.be.above(2);
      expect(lines[second + 1]).to.match(/^ {6}at .*logging\.test/);
      expect(lines.at(-1)).to.equal('  caused by: the disk');
    });

    it('has one line for each record without stacks', () => {
      const { log, lines } = capture({ hasStacks: false }, true);
      log.error('failed', { error: new Error('outer') });
      expect(lines).to.have.length(1);
    });
  });

  it('shows values by what they say of themselves', () => {
    const { log, lines } = capture({});
    class Money {
      toString(): string {
        return '5 EUR';
      }
    }
    log.info('x', {
      at: new Date(0),
      url: new URL('http://a/b?c'),
      expression: /x/u,
      query: new URLSearchParams({ a: '1' }),
      money: new Money(),
      words: new Uint16Array(3),
      nested: { at: new Date(1) },
      empty: {},
    });
    expect(parse(lines[0])).to.deep.include({
      at: '1970-01-01T00:00:00.000Z',
      url: 'http://a/b?c',
      expression: '/x/u',
      query: 'a=1',
      money: '5 EUR',
      words: '6 bytes',
      nested: { at: '1970-01-01T00:00:00.001Z' },
      empty: {},
    });
  });

  it('lets no field replace the time, the level and the message of a record, or lose it', () => {
    for (const isTTY of [false, true]) {
      const { log, lines } = capture({}, isTTY);
      const fields = { timestamp: 'mine', level: 'mine', message: 'mine', exception: true, splat: ['a'], fields: 1 };
      log.child(fields).warn('kept %s', fields);
      expect(lines, JSON.stringify(lines)).to.have.length(1);
      expect(lines[0])
        .to.include('kept %s')
        .and.include('warn')
        .and.match(/\d\d:\d\d:\d\d\.\d{3}/)
        .and.not.include('mine');
      expect(lines[0]).to.match(/exception"?[=:]true/);
    }
  });

  describe('does not throw', () => {
    const thrown = (): never => {
      throw new Error('no');
    };
    const unreadable = new Proxy({}, { get: thrown, ownKeys: thrown, has: thrown, getPrototypeOf: thrown });
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    const strange: readonly unknown[] = [
      unreadable,
      revoked,
      class {
        static readonly ['name']: unknown = Symbol('x');
      },
      Object.assign(new Error('x'), { message: 1n, code: Symbol('x'), stack: { a: 2n } }),
      Object.create(null),
      new Date(Number.NaN),
      { toJSON: thrown },
      { toString: thrown },
      { toJSON: () => 3n },
      {
        kept: 1,
        get a(): never {
          return thrown();
        },
      },
      undefined,
      null,
      1n,
      Symbol('x'),
    ];

    /** A Logger as JavaScript calls it. */
    interface Untyped {
      child(fields: unknown): Untyped;
      info(message: unknown, fields: unknown): void;
    }

    for (const isTTY of [false, true]) {
      it(`and loses no record, whatever message and fields are, ${isTTY ? 'as text' : 'as JSON'}`, () => {
        const { log, lines } = capture({}, isTTY);
        const memory = memoryLogger();
        let records = 0;
        const record = (message: unknown, own: unknown, fields: unknown): void => {
          for (const each of [log, memory] satisfies Untyped[]) {
            const untyped: Untyped = each;
            untyped.child(own).info(message, fields);
          }
          records++;
        };
        for (const value of strange) {
          record(value, { value, list: [value] }, { map: new Map([[value, value]]) });
          record('a', value, undefined);
          record('a', undefined, value);
        }
        const names = fc.oneof(fc.string(), fc.constantFrom('message', 'level', 'timestamp', 'exception', '__proto__'));
        const value = fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true });
        const fields = fc.dictionary(names, value);
        fc.assert(fc.property(fc.oneof(fc.string(), value), fields, fields, record));
        expect(memory.records).to.have.length(records);
        const written = isTTY
          ? lines.filter((line) => /^\d\d:\d\d:\d\d\.\d{3} info/.test(line))
          : lines.map((line) => parse(line).level);
        expect(written).to.have.length(records);
      });
    }

    it('where its destination does', () => {
      createLogger({ destination: { write: thrown } }).error('nobody reads this');
    });
  });

  it('keeps the other fields of one that cannot be read', () => {
    const { log, lines } = capture({});
    const fields = {
      kept: 1,
      get bad(): never {
        throw new Error('no');
      },
    };
    log.child(fields).info('x', { more: 2 });
    log.info('y', fields);
    expect(parse(lines[0])).to.include({ kept: 1, bad: 'unreadable', more: 2 });
    expect(parse(lines[1])).to.include({ message: 'y', kept: 1, bad: 'unreadable' });
  });

  it('survives every field: bigints, cycles, getters that throw, names of its own', () => {
    const { log, lines } = capture({});
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const hostile = Object.defineProperty({}, 'bad', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    log.info('kept', { id: 2n ** 63n, cycle, hostile, bytes: new Uint8Array(9), message: 'lost', level: 'lost' });
    expect(parse(lines[0])).to.include({
      message: 'kept',
      level: 'info',
      id: '9223372036854775808',
      bytes: '9 bytes',
      hostile: 'unreadable',
    });
  });
});

describe('memoryLogger', () => {
  it("keeps every record with its children's fields, the nearest first", () => {
    const log = memoryLogger();
    log.child({ actor: 'a', node: 1 }).child({ actor: 'b' }).debug('hello', { node: 2 });
    expect(log.records).to.deep.equal([{ level: 'debug', message: 'hello', fields: { actor: 'b', node: 2 } }]);
  });
});

describe('silentLogger', () => {
  it('has children as silent as itself', () => {
    expect(silentLogger.child({ a: 1 })).to.equal(silentLogger);
    for (const level of LOG_LEVELS) silentLogger[level]('nothing');
  });
});
