import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { pendingBecause } from '../support/pending.js';
import { FLIGHTS, Folder, MAIN } from './millrace.js';

/** `script` of util-linux runs a command on a terminal of its own. */
const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;
const ESCAPE = '\u001b';

describe('the millrace command on a terminal', function () {
  this.timeout(120_000);
  const folder = new Folder();
  after(() => folder.remove());
  before(function () {
    if (!hasScript) pendingBecause(this, 'it needs script of util-linux. Debian: apt-get install -y bsdutils');
    folder.writePipeline('slow.js', {
      read: `context.log.warn('a warning'); for (let n = 0; n < 30; n++) { await output.write({ delay: n }); await new Promise((go) => setTimeout(go, 50)); }`,
    });
  });

  const onTerminal = (words: readonly string[], env: Readonly<Record<string, string | undefined>>): string => {
    const command = [process.execPath, MAIN, ...words].map((word) => `'${word}'`).join(' ');
    const options = { cwd: folder.path, env: { ...process.env, ...env }, encoding: 'utf8' } as const;
    return spawnSync('script', ['--quiet', '--command', command, '/dev/null'], options).stdout;
  };

  it('shows live lines where the terminal can', () => {
    const written = onTerminal(['run', 'slow.js', '--partitions', '1'], { TERM: 'xterm', NO_COLOR: undefined });
    expect(written).to.include(ESCAPE).and.include('segment ').and.include('a warning');
  });

  const plain: readonly Readonly<Record<string, string | undefined>>[] = [
    { TERM: 'dumb', NO_COLOR: undefined },
    { TERM: undefined, NO_COLOR: undefined },
    { TERM: 'xterm', NO_COLOR: '1' },
  ];
  for (const env of plain) {
    it(`writes no escape sequence with ${JSON.stringify(env)}`, () => {
      const run = onTerminal(['run', 'slow.js', '--partitions', '1'], env);
      expect(run)
        .to.match(/^read \d+\/s/m)
        .and.include('a warning');
      expect(run).to.not.include(ESCAPE);
    });
  }

  it('writes none in what other commands print, and what a program draws', () => {
    folder.write('few.json', '[{"delay":3,"distance":10,"time":1.5}]');
    for (const words of [
      ['config'],
      ['nonsense'],
      ['run', FLIGHTS, '--partitions', '1', '--', '--input', 'few.json'],
    ]) {
      const written = onTerminal(words, { TERM: 'dumb', NO_COLOR: undefined });
      expect(written).to.have.length.above(10).and.not.include(ESCAPE);
    }
  });
});
