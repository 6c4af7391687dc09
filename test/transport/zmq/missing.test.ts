import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';

const PROGRAM = `
import { ZeroMqTransport } from './dist/transport/zmq/index.js';
import { RealScheduler } from './dist/scheduler/index.js';
const transport = new ZeroMqTransport({ scheduler: new RealScheduler() });
for (const attempt of [transport.listen(() => {}), transport.connect('zmq+ipc:/nowhere', { timeoutMs: 1_000 })]) {
  await attempt.catch((error) => console.log(error.code, error.message));
}
await transport.close();
`;

describe('a program without the package zeromq', function () {
  this.timeout(120_000);

  it('is told to install it, when it listens and when it dials', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-alone-'));
    try {
      cpSync(resolve('dist'), join(folder, 'dist'), {
        recursive: true,
        filter: (path) => !/dist\/cjs|\.map$/.test(path),
      });
      writeFileSync(join(folder, 'package.json'), '{ "type": "module", "name": "millrace" }');
      writeFileSync(join(folder, 'main.js'), PROGRAM);
      const { stdout, stderr } = spawnSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' });
      const lines = stdout.trim().split('\n');
      expect(lines, stderr).to.have.length(2);
      for (const line of lines) expect(line).to.match(/^RESOURCE .* Run: npm install zeromq$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
