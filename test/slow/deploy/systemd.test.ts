import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { Folder } from '../../cli/millrace.js';
import { commandsOfRun, runFolders } from '../../cli/runs.js';
import { unit } from '../../examples/manifests.js';
import { needsCommand } from '../../support/pending.js';
import { eventually } from '../../support/until.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise<void>((resolve) => void server.once('listening', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('examples/deploy/prices.service', function () {
  this.timeout(300_000);
  let folder: Folder;

  before(() => {
    folder = new Folder();
  });

  after(() => folder.remove());

  /** Where this machine has what the unit names. */
  const here = (text: string): string =>
    text
      .replaceAll('/usr/bin/node', process.execPath)
      .replaceAll('/opt/prices', folder.path)
      .replaceAll('/run/prices', folder.path);

  const valuesOf = (name: string): readonly string[] => (unit().get(`Service.${name}`) ?? []).map(here);

  it('is a unit that systemd understands', function () {
    needsCommand(this, 'systemd-analyze', 'systemd');
    folder.write(
      'prices.service',
      here(readFileSync('examples/deploy/prices.service', 'utf8')).replace(/^User=.*$/m, ''),
    );
    execFileSync('systemd-analyze', ['verify', '--man=no', join(folder.path, 'prices.service')], { stdio: 'pipe' });
  });

  it('serves, ends in order at its signal with an exit code that is a success, and leaves nothing to its clean-up', async () => {
    const port = await freePort();
    const pairs = valuesOf('Environment').flatMap((line) => line.split(' ').map((pair) => pair.split('=')));
    const env = { ...Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value])), PORT: String(port) };
    const [line = ''] = valuesOf('ExecStart');
    const started = folder.startBy(() => line.split(' '), [], env);
    await eventually(async () => {
      try {
        return (await fetch(`http://127.0.0.1:${port}/readyz`, { headers: { connection: 'close' } })).ok;
      } catch {
        return false;
      }
    });
    const shown = await folder.run(['ps'], { XDG_RUNTIME_DIR: folder.path });
    expect(shown.stdout).to.match(/node-2 /);
    started.child.kill('SIGTERM');
    const { code, stdout, stderr } = await started.ended;
    expect(valuesOf('SuccessExitStatus')[0], stderr).to.equal(String(code));
    expect(stdout).to.include('"isDrained":true');
    const [cleanup = ''] = valuesOf('ExecStopPost');
    const cleaned = await folder.startBy(() => cleanup.split(' '), [], env).ended;
    expect(cleaned.code, cleaned.stderr).to.equal(0);
    expect(cleaned.stderr).to.include('nothing is left of any run');
    expect(runFolders(folder.path)).to.deep.equal([]);
    expect(commandsOfRun(folder.path)).to.deep.equal([]);
  });

  it('is not started again for a module that is not there', async () => {
    const [line = ''] = valuesOf('ExecStart');
    const { code } = await folder.startBy(() => line.replace('main.js', 'missing.js').split(' '), [], {
      XDG_RUNTIME_DIR: folder.path,
    }).ended;
    expect(String(code)).to.equal(valuesOf('RestartPreventExitStatus')[0]);
  });
});
