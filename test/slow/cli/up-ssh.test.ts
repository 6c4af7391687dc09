import { expect } from 'chai';
import { FLIGHTS, Folder } from '../../cli/millrace.js';
import { commandsOfRun, runFolders } from '../../cli/runs.js';
import { pendingBecause } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { Sshd, whyNoSshd } from './sshd.js';

describe('millrace up by ssh', function () {
  this.timeout(300_000);
  let folder: Folder;
  let sshd: Sshd;

  before(async function () {
    const why = whyNoSshd();
    if (why !== undefined) pendingBecause(this, why);
    folder = new Folder();
    sshd = await Sshd.start(folder.path);
    folder.write('shows.js', 'console.log(process.env.SSH_CONNECTION !== undefined, process.argv[2]);');
    folder.write('key.js', KEY_PROGRAM);
  });

  after(async () => {
    await sshd?.stop();
    await folder?.remove();
  });

  const up = (words: readonly string[], hostKey: 'host_key' | 'other_key' = 'host_key') =>
    folder.run(['up', ...words.slice(0, 1), ...sshd.options(hostKey), ...words.slice(1)], {
      XDG_RUNTIME_DIR: folder.path,
    });

  async function nothingIsLeft(): Promise<void> {
    await eventually(() => commandsOfRun(folder.path).length === 0 && runFolders(folder.path).length === 0);
  }

  it('starts a node on each host, and gives the flights example the result of a single process', async () => {
    const alone = await folder.run(['run', FLIGHTS, '--quiet']);
    expect(alone.code, alone.stderr).to.equal(0);
    const expected = folder.read('out/flights.json');
    folder.write('out/flights.json', '');
    const ended = await up([FLIGHTS, '--hosts', '127.0.0.1,127.0.0.1,127.0.0.1']);
    expect(ended.code, ended.stderr).to.equal(0);
    expect(folder.read('out/flights.json')).to.equal(expected);
    await nothingIsLeft();
  });

  it('runs the head on the first host', async () => {
    const ended = await up(['shows.js', '--hosts', '127.0.0.1', '--no-prefix', '--quiet', '--', 'word with blanks']);
    expect(ended.code, ended.stderr).to.equal(0);
    expect(ended.stdout).to.equal('true word with blanks\n');
    await nothingIsLeft();
  });

  it('refuses a host whose key is another than the known one', async () => {
    const ended = await up(['shows.js', '--hosts', '127.0.0.1'], 'other_key');
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.match(/node-0.*has ended/i);
    await nothingIsLeft();
  });

  it('hands the key over without an argument or the environment', async () => {
    const ended = await up(['key.js', '--hosts', '127.0.0.1', '--no-prefix', '--quiet']);
    expect(ended.code, ended.stderr).to.equal(0);
    expect(ended.stdout).to.match(/^key of 64 characters, seen in 0 of \d+ processes\n$/);
    await nothingIsLeft();
  });
});

/** Looks for the key of the run among the arguments and environments of all processes. */
const KEY_PROGRAM = `
import { readdirSync, readFileSync } from 'node:fs';
const key = readFileSync(process.env.MILLRACE_CLUSTER_KEY_FILE, 'utf8');
let seen = 0, all = 0;
for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
  try {
    const texts = ['cmdline', 'environ'].map((name) => readFileSync('/proc/' + pid + '/' + name, 'utf8'));
    all += 1;
    if (texts.some((text) => text.includes(key))) seen += 1;
  } catch {}
}
console.log('key of', key.length, 'characters, seen in', seen, 'of', all, 'processes');
`;
