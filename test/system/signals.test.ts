import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { ConfigError, Runtime, silentLogger, stopOnSignals } from '#src/index.js';
import { root } from './root.js';

/** A program that has a runtime, waits for signals with `options`, and says what comes of it. */
const program = (options: string, more = ''): string => `
  import { Runtime, silentLogger, stopOnSignals } from 'millrace';
  const runtime = await Runtime.start({ log: silentLogger });
  const keep = setInterval(() => {}, 60_000);
  const { stopped, release } = stopOnSignals(runtime, ${options});
  stopped.then(({ isDrained, tookMs }) => { console.log('stopped', isDrained, tookMs > 990); clearInterval(keep); });
  ${more}
  console.log('up');`;

describe('stopOnSignals', function () {
  this.timeout(120_000);
  let child: ChildProcess;

  afterEach(() => void child?.kill('SIGKILL'));

  async function start(
    code: string,
  ): Promise<{ readonly next: () => Promise<string>; readonly ended: Promise<unknown[]> }> {
    child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout === null) throw new Error('no output');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    const ended = once(child, 'exit');
    expect(await next()).to.equal('up');
    return { next, ended };
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`stops the runtime at ${signal}; the process ends by itself, with exit code 0`, async () => {
      const { next, ended } = await start(program('{}'));
      child.kill(signal);
      expect(await next()).to.equal('stopped true false');
      expect(await ended).to.deep.equal([0, null]);
    });
  }

  it('takes signals close together for one, and a later one for a wish to end the drain', async () => {
    const { next, ended } = await start(
      program(`{ drainTimeoutMs: 600_000, before: () => { console.log('before'); return new Promise(() => {}); } }`),
    );
    child.kill('SIGTERM');
    expect(await next()).to.equal('before');
    child.kill('SIGTERM');
    child.kill('SIGINT');
    // What is meant to be another request comes a second later, or more.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    child.kill('SIGTERM');
    const stopped = next();
    // It was not drained, and not before the first second had passed.
    expect(await stopped).to.equal('stopped false true');
    expect(await ended).to.deep.equal([0, null]);
  });

  it('leaves other signals alone, and all of them when it is released', async () => {
    const { ended } = await start(program(`{ signals: ['SIGUSR2'] }`));
    child.kill('SIGTERM');
    expect(await ended).to.deep.equal([null, 'SIGTERM']);
    const released = await start(program('{}', 'release(); release();'));
    child.kill('SIGINT');
    expect(await released.ended).to.deep.equal([null, 'SIGINT']);
  });

  it('is asked for: a runtime alone captures no signal', async () => {
    const before = process.listenerCount('SIGTERM');
    const runtime = await Runtime.start({ log: silentLogger });
    try {
      expect(process.listenerCount('SIGTERM')).to.equal(before);
      expect(() => stopOnSignals(runtime, { signals: [] })).to.throw(ConfigError, 'signal');
    } finally {
      await runtime.stop();
    }
  });
});
