import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { until } from '../support/until.js';
import { pendingBecause } from '../support/pending.js';
import { Folder, MAIN, messages } from './millrace.js';

const PLACEMENTS = ['inline', 'thread', 'process'];
/** Whether this user may make a PID namespace. */
const canUnshare = spawnSync('unshare', ['-Urpf', '--mount-proc', 'true']).status === 0;

describe('how the millrace command is interrupted', function () {
  this.timeout(180_000);
  const folder = new Folder();
  const sockets = join(folder.path, 'sockets');
  const env = { TMPDIR: sockets };
  before(() => {
    mkdirSync(sockets);
    folder.writePipeline('endless.js', {
      read: `while (!context.signal.aborted) { await output.write({ delay: 1 }); await new Promise((go) => setTimeout(go, 2)); }`,
      print: `for await (const flight of input) console.log('a flight');`,
    });
    folder.writePipeline('stubborn.js', { read: 'await new Promise(() => setInterval(() => {}, 1000));' });
    folder.write('never-loads.js', 'setInterval(() => {}, 1000); console.log("loading"); await new Promise(() => {});');
  });
  after(() => folder.remove());
  const noSocketIsLeft = (): Promise<void> => until('no socket is left', () => readdirSync(sockets).length === 0);

  describe('by a reader of its output that goes away', () => {
    const commands = ['topology --json', 'run --help'];
    for (const command of commands) {
      it(`ends "millrace ${command}" with 141 and no message`, async () => {
        const started = folder.start(command.split(' '));
        started.child.stdout?.destroy();
        const { code, stderr } = await started.ended;
        // A machine without libhwloc says so.
        const said = stderr.replace(/^millrace: The topology of the machine needs .*\n/, '');
        expect({ code, said }).to.deep.equal({ code: 141, said: '' });
      });
    }

    for (const placement of PLACEMENTS) {
      it(`stops a run in order, partitions ${placement}, and leaves no socket`, async () => {
        const words = ['run', 'endless.js', '--partitions', '2', '--placement', placement, '--quiet'];
        const started = folder.start(words, env);
        started.child.stdout?.once('data', () => started.child.stdout?.destroy());
        const { code, stderr } = await started.ended;
        expect({ code, stderr }).to.deep.equal({ code: 141, stderr: '' });
        await noSocketIsLeft();
      });
    }

    it('ends a command that has only messages with its own code', async () => {
      const started = folder.start(['nonsense']);
      started.child.stderr?.destroy();
      expect((await started.ended).code).to.equal(2);
    });

    it('lets a run go on whose messages nobody reads', async () => {
      folder.writePipeline('short.js', { read: 'context.log.warn("unread"); await output.write({ delay: 1 });' });
      const started = folder.start(['run', 'short.js', '--partitions', '1']);
      started.child.stderr?.destroy();
      expect((await started.ended).code).to.equal(0);
    });

    it('says why standard output cannot be written where it is not closed', async function () {
      if (process.platform !== 'linux') pendingBecause(this, 'only Linux has /dev/full');
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, [MAIN, 'config'], { stdio: ['ignore', full, 'pipe'] });
      let said = '';
      child.stderr?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
      const code = await new Promise((end) => child.on('close', end));
      expect(code).to.equal(1);
      expect(said).to.match(/^millrace: Standard output cannot be written: ENOSPC.*\n$/);
    });
  });

  describe('by a signal', () => {
    const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
    for (const [signal, code] of Object.entries(codes)) {
      it(`stops a run in order at ${signal}, ends with ${code}, and leaves no socket`, async () => {
        const placement = signal === 'SIGTERM' ? 'process' : 'inline';
        const run = folder.start(['run', 'endless.js', '--partitions', '2', '--placement', placement], env);
        await run.says('read ');
        run.child.kill(signal as NodeJS.Signals);
        const ended = await run.ended;
        expect(ended.code, ended.stderr).to.equal(code);
        expect(messages(ended)[0]).to.include('stopping in order');
        if (signal === 'SIGINT') expect(messages(ended)[0]).to.include('Ctrl-C again');
        expect(messages(ended).at(-1)).to.match(/stopped in [\d.]+ s\.$/);
        await noSocketIsLeft();
      });
    }

    it('ends at once at the second, whichever it is, and leaves no socket', async () => {
      const run = folder.start(['run', 'stubborn.js', '--partitions', '2', '--placement', 'process'], env);
      await run.says('queued');
      run.child.kill('SIGTERM');
      await run.says('a second signal');
      run.child.kill('SIGHUP');
      expect((await run.ended).code).to.equal(129);
      await noSocketIsLeft();
    });

    it('ends a run whose module never loads', async () => {
      const run = folder.start(['run', 'never-loads.js']);
      await new Promise((said) => run.child.stdout?.once('data', said));
      run.child.kill('SIGTERM');
      expect((await run.ended).code).to.equal(143);
    });

    it('reaches the first process of a PID namespace, as in a container', async function () {
      if (!canUnshare) pendingBecause(this, 'this user may make no PID namespace');
      // A signal that process 1 sends itself is dropped, too, unless it listens.
      folder.writePipeline('first.js', {
        read: `if (process.pid === 1) process.kill(1, 'SIGTERM'); while (!context.signal.aborted) await new Promise((go) => setTimeout(go, 5));`,
      });
      const words = ['-Urpf', '--mount-proc', process.execPath, MAIN, 'run', 'first.js', '--partitions', '1'];
      const { status, stderr } = spawnSync('unshare', words, { cwd: folder.path, encoding: 'utf8' });
      expect(status, stderr).to.equal(codes.SIGTERM);
      expect(stderr).to.include('stopping in order').and.include('stopped in');
    });
  });
});
