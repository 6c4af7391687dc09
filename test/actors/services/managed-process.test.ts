import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startManaged } from '#src/actors/services/programs/managed-process.js';
import { silentLogger } from '#src/logging/index.js';
import { pendingBecause } from '../../support/pending.js';
import { managedStart } from './managed-start.js';

describe('a process of the application that may not be ended', function () {
  this.timeout(180_000);

  it('is an error for who sends the signal, and a warning when it ends: the node goes on', async function () {
    if (process.getuid?.() !== 0) pendingBecause(this, 'only root can start a process, and go on as another user');
    const folder = mkdtempSync(join(tmpdir(), 'millrace-user-'));
    const module = join(folder, 'starts.mjs');
    writeFileSync(
      module,
      `import { spawn } from 'node:child_process';
console.log(process.pid, spawn('sleep', ['600'], { stdio: 'ignore' }).pid);
setInterval(() => {}, 1000);`,
    );
    const child = spawn(process.execPath, [fileURLToPath(new URL('other-user.js', import.meta.url)), module, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said: { what: string; text: string }[] = [];
    const pids: number[] = [];
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const each = JSON.parse(line) as { what: string; text: string };
        if (each.what === 'written') pids.push(...each.text.trim().split(' ').map(Number));
        else said.push(each);
        if (each.what === 'signal') process.kill(pids[0] ?? 0, 'SIGKILL');
      }
      expect(said.map(({ what }) => what)).to.deep.equal(['signal', 'logged', 'ended']);
      expect(said[0]?.text).to.match(/Process group \d+ cannot be ended: kill EPERM\./);
      expect(said[1]?.text).to.equal('what head has started goes on');
      expect(said[2]?.text).to.equal('SIGKILL');
    } finally {
      child.kill('SIGKILL');
      for (const pid of pids.slice(1)) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true });
    }
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the output of a process of the application', () => {
  it('is taken chunk by chunk, and all of it before its end is told, also when it exits while a chunk is taken', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-output-'));
    const module = join(folder, 'writes.mjs');
    // Less than the least that any system keeps of a pipe that is not read: the process must be able to exit.
    const written = 60_000;
    writeFileSync(
      module,
      `import { writeSync } from 'node:fs'; writeSync(1, 'x'.repeat(20_000)); writeSync(1, 'y'.repeat(${written - 20_000}));`,
    );
    try {
      let [taken, taking, overlapping] = [0, 0, 0];
      const started = startManaged({
        ...managedStart(module, folder),
        output: async ({ text = new Uint8Array() }) => {
          taking += 1;
          overlapping += taking > 1 ? 1 : 0;
          const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
          while (isThere(started.pid)) await turn();
          for (let count = 0; count < 200; count += 1) await turn();
          taken += text.length;
          taking -= 1;
        },
        log: silentLogger,
      });
      expect(await started.ended).to.deep.equal({ code: 0 });
      expect({ taken, taking, overlapping }).to.deep.equal({ taken: written, taking: 0, overlapping: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
