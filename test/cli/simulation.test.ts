import { expect } from 'chai';
import { FLIGHTS, Folder, messages, summaryOf } from './millrace.js';

const FEW = ['--', '--input', 'few.json', '--out', 'few', '--quiet'];

describe('millrace run as a simulation', function () {
  this.timeout(120_000);
  const folder = new Folder();
  before(() => {
    const rows = Array.from({ length: 2_000 }, (_, index) => ({
      delay: index % 50,
      distance: index,
      time: index % 24,
    }));
    folder.write('few.json', JSON.stringify(rows));
  });
  after(() => folder.remove());

  it('does what its help says: nodes, a seed, loss, and a crash that comes too late', async () => {
    const ended = await folder.ask([
      'run',
      FLIGHTS,
      '--nodes',
      '3',
      '--seed',
      '7',
      '--loss',
      '0.01',
      '--crash',
      '1@2s',
      ...FEW,
    ]);
    expect(ended.code, ended.stderr).to.equal(0);
    const [late, done] = messages(ended);
    expect(late).to.include('--crash 1@2s did not happen: the run ended after');
    expect(done).to.match(/done in [\d.]+ s of virtual time, seed 7\.$/);
    expect(JSON.parse(folder.read('few/flights.json'))).to.include({ flights: 2_000 });
  });

  it('writes the same trace, byte for byte, for the same seed, and another for another', async () => {
    const trace = async (seed: number, file: string): Promise<string> => {
      const faults = ['--nodes', '2', '--loss', '0.02', '--duplicate', '0.02', '--partitions', '2'];
      const ended = await folder.ask(['run', FLIGHTS, '--seed', String(seed), '--trace', file, ...faults, ...FEW]);
      expect(ended.code, ended.stderr).to.equal(0);
      return folder.read(file);
    };
    const [one, same, other] = await Promise.all([trace(5, 'one'), trace(5, 'same'), trace(6, 'other')]);
    expect(one)
      .to.match(/lost|drop|loss/i)
      .and.have.length.above(1_000);
    expect(same === one, 'the same seed gives the same trace').to.equal(true);
    expect(other === one, 'another seed gives the same trace').to.equal(false);
  });

  it('names the lines that do real work without declaring it, once, also when nothing is to be said', async () => {
    const pause = (declared: boolean): string => {
      const work = 'new Promise((done) => setTimeout(done, 1))';
      return `for (let round = 0; round < 3; round++) await ${declared ? `context.outside(${work})` : work};`;
    };
    folder.writePipeline('undeclared.js', { read: pause(false) });
    folder.writePipeline('declared.js', { read: pause(true) });
    const [ended, good] = await Promise.all(
      ['undeclared.js', 'declared.js'].map((file) => folder.ask(['run', file, '--seed', '7', '--json', '--quiet'])),
    );
    if (ended === undefined || good === undefined) throw new Error('it did not run');
    const { undeclared = [] } = summaryOf(ended);
    expect(undeclared).to.have.length(1);
    expect(undeclared[0]?.type).to.equal('Timeout');
    expect(undeclared[0]?.place).to.match(/undeclared\.js:\d+:\d+$/);
    expect(messages(ended)).to.have.length(1);
    expect(messages(ended)[0]).to.contain('undeclared.js:').and.contain('(Timeout)').and.contain('context.outside');
    expect(summaryOf(good)).to.have.property('undeclared').that.deep.equals([]);
    expect(messages(good)).to.deep.equal([]);
  });

  it('chooses a seed when none is given, and tells it', async () => {
    const ended = await folder.ask(['run', FLIGHTS, '--nodes', '2', '--json', ...FEW]);
    expect(ended.code, ended.stderr).to.equal(0);
    const { seed, time } = summaryOf(ended);
    expect(time).to.equal('virtual');
    expect(messages(ended)[0]).to.equal(`millrace: seed ${seed}`);
  });

  it('crashes a node when it is told to, and the pipeline starts anew', async () => {
    const ended = await folder.ask([
      'run',
      FLIGHTS,
      '--nodes',
      '3',
      '--seed',
      '1',
      '--crash',
      '1@5ms',
      '--json',
      ...FEW,
    ]);
    expect(ended.code, ended.stderr).to.equal(0);
    expect(JSON.parse(ended.stdout)).to.deep.include({
      result: 'ok',
      restarts: 1,
      seed: 1,
      crashes: [{ text: '1@5ms', hasHappened: true }],
    });
    expect(ended.stderr).to.include('node 1 crashes').and.include('restarted once');
    expect(JSON.parse(folder.read('few/flights.json'))).to.include({ flights: 2_000 });
  });

  it('prints the one command that replays a failure, and that command fails in the same way', async () => {
    const name = 'it fails.js';
    folder.writePipeline(name, {
      read: "for (let n = 0; n < 50; n++) await output.write({ delay: n }); throw new Error('too late');",
    });
    const ended = await folder.ask([
      'run',
      name,
      '--nodes',
      '2',
      '--loss',
      '0.05',
      '--crash',
      '1@1m',
      '--trace',
      'first',
      '--',
      '--dry',
    ]);
    expect(ended.code).to.equal(1);
    const line = messages(ended).at(-1) ?? '';
    expect(line).to.match(
      /^millrace: replay it with: millrace run 'it fails.js' --seed \d+ --nodes 2 --partitions \d+ --loss 0.05 --crash 1@1m -- --dry$/,
    );
    const words = line
      .replace(/^.*: millrace /, '')
      .replace("'it fails.js'", 'NAME')
      .split(' ');
    const replay = words.map((word) => (word === 'NAME' ? name : word));
    replay.splice(2, 0, '--trace', 'second');
    const again = await folder.ask(replay);
    expect(again.code).to.equal(1);
    expect(messages(again).filter((each) => !each.includes('seed'))).to.deep.equal(
      messages(ended).filter((each) => !each.includes('seed')),
    );
    expect(folder.read('second') === folder.read('first'), 'the traces are the same').to.equal(true);
  });

  it('fails by name when the node of the control plane crashes', async () => {
    const ended = await folder.ask(['run', FLIGHTS, '--nodes', '2', '--seed', '1', '--crash', '0@3ms', ...FEW]);
    expect(ended.code).to.equal(1);
    expect(messages(ended).join()).to.include('node-0').and.include('replay it with');
  });

  it('says so when a program waits for real I/O that it has not declared, rather than go on for ever', async () => {
    folder.writePipeline('waiting.js', { read: 'await new Promise((go) => setTimeout(go, 20_000));' });
    const ended = await folder.run(['run', 'waiting.js', '--seed', '1']);
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.include('context.outside');
  });
});
