import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { serialize } from 'node:v8';
import { expect } from 'chai';
import { ProtocolError } from '#src/errors.js';
import { inheritedOptions, readStart, startProcess, startThread } from '#src/resources/execution/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { rejection } from '../support/rejection.js';

describe('an execution', function () {
  this.timeout(120_000);
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  });

  after(() => rmSync(folder, { recursive: true }));

  function program(code: string) {
    const file = join(folder, `program-${code.length}.js`);
    writeFileSync(file, code);
    return { url: pathToFileURL(file), name: 'test', start: { number: 7, at: 7n } };
  }

  for (const placement of ['thread', 'process'] as const) {
    const start = (code: string) =>
      placement === 'thread' ? startThread(program(code), () => {}) : startProcess(program(code), new RealScheduler());

    it(`says how it ended: ${placement}`, async () => {
      expect(await start('').ended).to.deep.include({ isClean: true });
      expect(await start('process.exit(3)').ended).to.deep.equal({
        isClean: false,
        cause: 'it ended with exit code 3',
      });
      const hung = start('for (;;);');
      expect(hung.place).to.match(/^(thread|process) \d+$/);
      hung.kill();
      hung.kill();
      const cause = placement === 'thread' ? 'it was terminated' : 'it was ended by SIGKILL';
      expect(await hung.ended).to.deep.equal({ isClean: false, cause });
    });
  }

  it('of a thread says what it threw, and where', async () => {
    const { cause, stack } = await startThread(program('throw new RangeError("too far")'), () => {}).ended;
    expect(cause).to.equal('it threw RangeError: too far');
    expect(stack).to.include('program-');
  });

  it('of a process that another command starts says what it threw, apart from what it has written', async () => {
    const words = pathToFileURL(resolve('dist/resources/execution/index.js')).href;
    const started = program(`
      import { tellLastWords } from ${JSON.stringify(words)};
      tellLastWords();
      process.stderr.write('before\0mill');
      throw new RangeError('too far');`);
    const written: Buffer[] = [];
    const through = (command: readonly string[]) => ['sh', '-c', 'exec "$@" 3>&-', 'sh', ...command];
    const output = (chunk: Buffer): void => void written.push(chunk);
    const { cause, stack } = await startProcess({ ...started, through, output }, new RealScheduler()).ended;
    expect(cause).to.equal('it threw RangeError: too far');
    expect(stack).to.include('program-');
    expect(Buffer.concat(written).toString()).to.equal('before\0mill');
  });

  it('of a process has ended even while what it has started holds its output open', async () => {
    const scheduler = new RealScheduler();
    const sleeper = `
      import { spawn } from 'node:child_process';
      spawn(process.execPath, ['-e', 'setTimeout(() => {}, 5000)'], { stdio: 'inherit', detached: true }).unref();
      process.exit(4);`;
    expect((await startProcess(program(sleeper), scheduler).ended).cause).to.equal('it ended with exit code 4');
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('in a process has the options of Node, but for those that say what to run', () => {
    expect(inheritedOptions([])).to.deep.equal([]);
    expect(inheritedOptions(['--input-type=module', '--eval', 'code', '--no-warnings'])).to.deep.equal([
      '--no-warnings',
    ]);
    expect(inheritedOptions(['-e', '--import', '--import', 'x.js'])).to.deep.equal(['--import', 'x.js']);
    expect(inheritedOptions(['--input-type', 'module', '-p', '1', '--expose-gc'])).to.deep.equal(['--expose-gc']);
    expect(inheritedOptions(['--inspect=9229', '--inspect-brk', '--test', '--watch'])).to.deep.equal([]);
    expect(inheritedOptions(['--test-reporter=spec', '--max-old-space-size=32'])).to.deep.equal([
      '--max-old-space-size=32',
    ]);
  });

  describe('that reads its start', () => {
    const framed = (value: unknown, length?: number): Buffer => {
      const data = serialize(value);
      const head = Buffer.alloc(4);
      head.writeUInt32LE(length ?? data.length);
      return Buffer.concat([head, data]);
    };

    it('has it in whatever parts it comes, and hears when nobody is there any more', async () => {
      const input = new PassThrough();
      let isOrphan = false;
      const read = readStart(input, () => {
        isOrphan = true;
      });
      for (const byte of framed({ links: new Map([[1, 2n]]) })) input.write(Buffer.of(byte));
      expect(await read).to.deep.equal({ links: new Map([[1, 2n]]) });
      expect(isOrphan).to.equal(false);
      const ended = new Promise((resolve) => void input.once('close', resolve));
      input.end();
      await ended;
      expect(isOrphan).to.equal(true);
    });

    it('refuses what is none', async () => {
      const of = (...parts: Buffer[]): Promise<unknown> => {
        const input = new PassThrough();
        const read = readStart(input, () => {});
        for (const part of parts) input.write(part);
        input.end();
        return rejection(read);
      };
      for (const bad of [
        await of(),
        await of(Buffer.of(1, 2)),
        await of(framed({}).subarray(0, 6)),
        await of(framed({}, 2 ** 24 + 1)),
        await of(Buffer.from([4, 0, 0, 0, 9, 9, 9, 9])),
      ]) {
        expect(bad).to.be.instanceOf(ProtocolError).with.property('message').that.includes('no valid start data');
      }
    });
  });
});
