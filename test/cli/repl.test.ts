import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Runtime } from '#src/actors/runtime/index.js';
import {
  behindWords,
  type Completable,
  completionsOf,
  isUnfinished,
  quoted,
  textOf,
  wordsOf,
} from '#src/cli/repl-completion.js';
import { silentLogger } from '#src/logging/index.js';
import { errandRunner } from '../actors/runtime/errand-runner.js';
import { gate } from '../support/deferred.js';
import { pendingBecause } from '../support/pending.js';
import { eventually } from '../support/until.js';
import { Folder, MAIN } from './millrace.js';

describe('completion in millrace repl', () => {
  const methods = [
    { name: 'quote', fields: ['symbol', 'seats', 'size'] },
    { name: 'quit', fields: [] },
  ];
  const known: Completable = {
    commands: [
      { word: 'call', takes: ['name', 'method', 'json'] },
      { word: 'inspect', takes: ['name'] },
      { word: 'help', takes: ['command'] },
      { word: 'top', takes: [] },
    ],
    names: () => Promise.resolve(['till', 'tills/first', 'old till', 'evil\u001b[2J']),
    methods: (name) => (name === 'till' ? Promise.resolve(methods) : Promise.resolve([])),
  };

  for (const [line, candidates, part] of [
    ['', ['call ', 'inspect ', 'help ', 'top '], ''],
    ['ca', ['call '], 'ca'],
    ['top ', [], ''],
    ['nothing x', [], ''],
    ['help t', ['top'], 't'],
    ['inspect t', ['till ', 'tills/first '], 't'],
    ['inspect ', ['till ', 'tills/first ', '"old till" '], ''],
    ['call till qu', ['quote ', 'quit '], 'qu'],
    ['call nobody ', [], ''],
    ['call till quote ', ['{'], ''],
    ['call till quote {', ['"symbol":', '"seats":', '"size":'], ''],
    ['call till quote {"s', ['"symbol":', '"seats":', '"size":'], '"s'],
    ['call till quote {"symbol":"A", se', ['"seats":'], 'se'],
    ['call till quote {"symbol":"A', [], ''],
    ['call till quit {', [], ''],
  ] as const) {
    it(`offers ${JSON.stringify(candidates)} behind ${JSON.stringify(line)}`, async () => {
      expect(await completionsOf(line, known)).to.deep.equal([candidates, part]);
    });
  }

  it('has names with blanks as JSON strings', () => {
    for (const name of ['till', 'old till', 'say "so"', 'back\\slash x']) {
      const line = `${quoted(name)} quote`;
      expect(wordsOf(line).map((word) => textOf(word))).to.deep.equal([name, 'quote']);
    }
    expect(textOf('"open')).to.equal('"open');
  });

  it('finds the request behind the words, whatever blanks and braces they have', () => {
    for (const [line, rest] of [
      ['call till run', ''],
      ['call  "old till"  run  {"value": 1} ', '{"value": 1}'],
      ['call "a \\" {b" run {"text":"}"}', '{"text":"}"}'],
    ] as const) {
      expect(behindWords(line, 3)).to.equal(rest);
      expect(isUnfinished(line, known.commands)).to.equal(false);
    }
    for (const line of ['call till run {', 'call till run {"text":"}"']) {
      expect(isUnfinished(line, known.commands)).to.equal(true);
    }
    for (const line of ['inspect {', 'call { run', 'nothing {', '']) {
      expect(isUnfinished(line, known.commands)).to.equal(false);
    }
  });
});

const hasTmux = spawnSync('tmux', ['-V']).status === 0;

describe('millrace repl', function () {
  this.timeout(120_000);
  const folder = new Folder();
  const held = gate();
  let runtime: Runtime;
  // Its socket is in the folder: tmux does not remove it.
  const terminal = ['-S', join(folder.path, 'tmux'), '-f', '/dev/null'];

  before(async () => {
    runtime = await Runtime.start({ listen: 'unix:', ucx: 'off', nodeName: 'shop', log: silentLogger });
    const till = errandRunner({
      push: () => held.passed,
      run: (_state, { value }) => {
        if (value === 13) throw new RangeError('un\u001b[2Jlucky');
        return { value: value * 2 };
      },
    });
    await runtime.whenRegistered(runtime.spawn(till, { name: 'till', register: true }));
    await runtime.whenRegistered(runtime.spawn(till, { name: 'slow', register: true })).then(() => {});
  });

  after(async () => {
    held.open();
    spawnSync('tmux', [...terminal, 'kill-server']);
    await runtime.stop();
    await folder.remove();
  });

  it('performs the lines of a pipe one after the other, also behind one that fails, and says that one has', async () => {
    const child = spawn(process.execPath, [MAIN, 'repl', '--control-plane', runtime.controlPlane], {
      cwd: folder.path,
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
    const lines = [
      'ps',
      'inspect till',
      'call till run {"value":21}',
      'call till run {',
      '"value":13}',
      'fly',
      'tell till',
      'explain till',
      'inspect {',
      'call till run {',
      'ps',
    ];
    child.stdin.end(`${lines.join('\n')}\n`);
    const [code] = (await once(child, 'close')) as [number];
    expect([code, stderr.split('\n').length]).to.deep.equal([1, 6]);
    expect(stdout).to.match(/^name {2}till {2}test\.Errands {2}partition \d+$/m);
    expect(stdout).to.match(/^ask {4}run \{value, /m);
    expect(stdout).to.match(/^\{"value":42/m);
    expect(stdout).to.match(/^Nothing that is known holds it up now\.$/m);
    expect(stderr).to.contain('un\\x1b[2Jlucky').and.not.contain('\u001b');
    expect(stderr).to.match(/There is no command fly\. There are ps, top/);
    expect(stderr).to.contain('A word is missing: a method.').and.contain('Nobody has the name "{"');
    expect(stderr).to.contain('The request of line 10 has not ended: a } is missing.');
  });

  it('completes, keeps its lines, ends a command at Ctrl-C and itself at Ctrl-D, on a terminal', async function () {
    if (!hasTmux) pendingBecause(this, 'it needs tmux. Debian: apt-get install -y tmux');
    const tmux = (...words: readonly string[]): string =>
      execFileSync('tmux', [...terminal, ...words], { encoding: 'utf8' });
    const screen = (): string => tmux('capture-pane', '-p', '-t', 'repl');
    const shows = (text: RegExp): Promise<void> => eventually(() => text.test(screen()));
    const type = (...keys: readonly string[]): string => tmux('send-keys', '-t', 'repl', ...keys);
    const command = `XDG_STATE_HOME=${folder.path}/state ${process.execPath} ${MAIN} repl --control-plane '${runtime.controlPlane}'; echo "ended with $?"; sleep 600`;
    tmux('new-session', '-d', '-s', 'repl', '-x', '120', '-y', '50', '-c', folder.path, command);
    await shows(/^millrace>\s*$/m);
    type('call ti', 'Tab');
    await shows(/millrace> call till\s*$/m);
    type('ru', 'Tab');
    await shows(/call till ru/);
    type('n {"va', 'Tab');
    await shows(/run \{"value":/);
    type('4}', 'Enter');
    await shows(/^\{"value":8/m);
    type('watch', 'Enter');
    await runtime.stopActor(runtime.spawn(errandRunner(), { name: 'short' }));
    type('C-c');
    await shows(/\^C\s+millrace>\s*$/m);
    type('Up', 'Up', 'Enter');
    await eventually(() => [...screen().matchAll(/^\{"value":8/gm)].length === 2);
    type('half', 'C-c', 'fly', 'Enter');
    await shows(/There is no command fly/);
    // Node's REPL has a command that writes a file.
    type('.save lines', 'Enter');
    await shows(/\.save lines\s+\S.*\s+millrace>\s*$/m);
    expect(existsSync(join(folder.path, 'lines'))).to.equal(false);
    // What is cancelled prints nothing more, though its reply would come.
    type('tell slow push', 'Enter');
    await shows(/tell slow push\s+millrace>\s*$/m);
    type('call slow run {"value":5}', 'Enter', 'C-c');
    await shows(/\{"value":5\}\s+\^C\s+millrace>\s*$/m);
    held.open();
    type('call slow run {"value":6}', 'Enter');
    await shows(/^\{"value":12/m);
    expect(screen()).to.not.match(/^\{"value":10/m);
    // It ends also behind commands that wait for their turn.
    type('watch', 'Enter', 'watch', 'Enter', 'C-d');
    await shows(/ended with 0/);
    const file = join(folder.path, 'state', 'millrace', 'repl-history');
    expect(folder.read('state/millrace/repl-history')).to.contain('call till run {"value":4}');
    expect((statSync(file).mode & 0o777).toString(8)).to.equal('600');
  });
});
