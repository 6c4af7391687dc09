import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Folder } from './millrace.js';

const FAILING = `import { workload } from 'millrace/simulation';
export default workload('failing', {
  sizes: { nodes: [1, 2], orders: [0, 40] },
  faults: { crashes: 2 },
  run: async (world) => world.check(world.size('orders') < 5, 'five or more: ' + world.size('orders')),
});
`;

describe('millrace sim', function () {
  this.timeout(120_000);
  const folder = new Folder();
  folder.write('failing.js', FAILING);
  folder.write('no-workload.js', 'export default 7;\n');
  after(() => folder.remove());

  it('runs the workload of docs/simulation.md', async () => {
    const page = readFileSync('docs/simulation.md', 'utf8');
    const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)?.[1] ?? '';
    folder.write('shop.proto', block('proto'));
    folder.write('shop.sim.js', block('js'));
    expect(await folder.ask(['gen', 'shop.proto', '--out', 'gen'])).to.include({ code: 0 });
    const { code, stderr } = await folder.ask([
      'sim',
      'shop.sim.js',
      '--seeds',
      '1..6',
      '--repeat',
      '3',
      '--jobs',
      '1',
    ]);
    expect(stderr).to.match(/shop: 6 seeds passed in/);
    expect(code).to.equal(0);
  });

  it('shrinks a seed that fails, and prints the command that repeats it', async () => {
    const { code, stderr } = await folder.ask(['sim', 'failing.js', '--seeds', '1..9', '--jobs', '1', '--quiet']);
    expect(code).to.equal(1);
    expect(stderr).to.include('five or more: 5');
    const plan = /replay it with: millrace sim failing.js --plan '(.*)'\n/.exec(stderr)?.[1] ?? '';
    expect(JSON.parse(plan)).to.deep.include({ sizes: { nodes: 1, orders: 5 }, faults: [] });
    const again = await folder.ask(['sim', 'failing.js', '--plan', plan, '--trace', 'trace.txt']);
    expect(again).to.include({ code: 1 });
    expect(again.stderr).to.include('five or more: 5');
    expect(folder.read('trace.txt')).to.include('start node-0.1');
  });

  it('refuses plans that are no files, and traces over what it reads', async () => {
    folder.write('plan.json', '{}');
    const wrong = [
      [['--plan', '/dev/zero'], 'it is not a regular file'],
      [['--plan', ''], 'the name of the file is empty'],
      [['--plan', 'plan.json', '--trace', 'plan.json'], '--plan and --trace are the same file'],
      [['--seed', '1', '--trace', 'failing.js'], 'the module and --trace are the same file'],
    ] as const;
    for (const [words, includes] of wrong) {
      const { code, stderr } = await folder.ask(['sim', 'failing.js', ...words]);
      expect(code, stderr).to.equal(2);
      expect(stderr).to.include(includes);
    }
    expect(folder.read('failing.js')).to.equal(FAILING);
  });

  it('goes on behind a failure when it is told to, and prints one JSON object', async () => {
    const words = ['--seeds', '1..9', '--jobs', '2', '--keep-going', '--no-shrink', '--json', '--quiet'];
    const { code, stdout } = await folder.ask(['sim', 'failing.js', ...words]);
    const { workloads } = JSON.parse(stdout) as {
      workloads: readonly { passed: number; failing: readonly unknown[] }[];
    };
    expect(code).to.equal(1);
    expect((workloads[0]?.passed ?? 0) + (workloads[0]?.failing.length ?? 0)).to.equal(9);
    expect(workloads[0]?.failing.length).to.be.greaterThan(1);
  });

  it('refuses what makes no sense, with one line', async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['failing.js', '--seeds', '5..1'], 'FROM..TO'],
      [['failing.js', '--plan', '{}'], 'a plan'],
      [['failing.js', '--plan', 'nowhere.json'], 'nowhere.json'],
      [['failing.js', '--trace', 'trace.txt'], '--trace'],
      [['failing.js', 'failing.js', '--seed', '1'], 'one module'],
      [['no-workload.js'], 'no workload'],
      [['missing.js'], 'missing.js'],
    ];
    for (const [words, what] of cases) {
      const { code, stderr } = await folder.ask(['sim', ...words]);
      expect(stderr, words.join(' ')).to.include(what);
      expect(stderr.trimEnd().split('\n'), words.join(' ')).to.have.length(1);
      expect(code, words.join(' ')).to.equal(2);
    }
  });
});
