import { expect } from 'chai';
import { FLIGHTS, Folder, messages, summaryOf } from './millrace.js';

describe('millrace run', function () {
  this.timeout(30_000);
  const folder = new Folder();
  after(() => folder.remove());

  it('runs the module that a folder names: a chart of 80 columns on the terminal, a table and a picture in out/', async () => {
    const { code, stdout, stderr } = await folder.run(['run', FLIGHTS]);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include('200,000 flights');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).to.be.at.most(80);
    expect(JSON.parse(folder.read('out/flights.json'))).to.include({ flights: 200_000, rejected: 0 });
    expect(folder.read('out/flights.svg')).to.match(/^<svg [\s\S]*<\/svg>\n$/);
    expect(stderr).to.match(/millrace: done in [\d.]+ s\.\n$/);
  });

  it('runs a file, and hands it what stands after --', async () => {
    folder.writePipeline('args.js', { read: 'console.log(JSON.stringify(args));' });
    const words = ['--input', 'a b.json', '--dry', '--max-rows=5', '--empty=', '--below', '-3'];
    const { code, stdout, stderr } = await folder.run(['run', './args.js', '--', ...words]);
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({ input: 'a b.json', dry: true, maxRows: '5', empty: '', below: '-3' });
  });

  it('takes the input of the flights from the folder it is run in', async () => {
    folder.write('few.json', '[{"delay":3,"distance":10,"time":1.5},{"delay":"x"}]');
    const ended = await folder.run([
      'run',
      FLIGHTS,
      '--partitions',
      '2',
      '--instances',
      'tally=2',
      '--',
      '--input',
      'few.json',
      '--out',
      'few',
    ]);
    expect(ended.code, ended.stderr).to.equal(0);
    expect(ended.stderr).to.include('row rejected').and.include('"byte":38').and.include('"row":1');
    expect(JSON.parse(folder.read('few/flights.json'))).to.deep.equal({
      flights: 1,
      rejected: 1,
      byHour: [{ hour: 1, count: 1, meanDelayMinutes: 3 }],
      byDistance: [{ fromMiles: 0, count: 1, meanDelayMinutes: 3 }],
    });
  });

  it('has one JSON object on standard output with --json; what the program prints goes to standard error', async () => {
    const ended = await folder.run(['run', FLIGHTS, '--json', '--partitions', '2']);
    expect(ended.code, ended.stderr).to.equal(0);
    const summary = summaryOf(ended);
    expect(summary).to.include({ pipeline: 'flights', result: 'ok', time: 'real', restarts: 0 });
    expect(summary.seconds).to.be.above(0);
    expect(summary).to.not.have.property('seed');
    const segments = summary.segments.map(({ segment }) => segment);
    expect(segments).to.have.members(['read', 'parse', 'tally', 'merge']);
    expect(summary.segments.find(({ segment }) => segment === 'tally')).to.include({
      instances: 4,
      done: 4,
      written: 4,
    });
    expect(ended.stderr).to.include('200,000 flights');
  });

  it('says nothing but what the program says with --quiet', async () => {
    const { stderr, code } = await folder.run(['run', FLIGHTS, '--quiet']);
    expect({ stderr, code }).to.deep.equal({ stderr: '', code: 0 });
  });

  it('ends with 1 when the pipeline fails, and names segment, partition and cause', async () => {
    folder.writePipeline('failing.js', { read: "throw new Error('the disk is on fire');" });
    const ended = await folder.run(['run', 'failing.js', '--partitions', '1']);
    expect(ended.code).to.equal(1);
    expect(messages(ended).join())
      .to.include('segment "read"')
      .and.include('in partition ')
      .and.include('the disk is on fire');
    expect(ended.stderr).to.not.match(/\n\s+at /);
    const { stdout } = await folder.run(['run', 'failing.js', '--json']);
    expect(JSON.parse(stdout)).to.include({ result: 'failed' }).and.have.nested.property('error.code', 'PIPELINE');
  });

  it('ends with 3, and does not hang, when the program throws where nobody catches it', async () => {
    folder.writePipeline('uncaught.js', {
      read: "setImmediate(() => { throw new Error('nobody catches'); }); await new Promise(() => {});",
    });
    const ended = await folder.run(['run', 'uncaught.js']);
    expect(ended.code).to.equal(3);
    expect(messages(ended).join()).to.include('nobody catches');
  });

  it('tells how far each segment is, a line a second where there is no terminal; the first Ctrl-C stops it in order', async () => {
    folder.writePipeline('endless.js', {
      read: `for (;;) { await output.write({ delay: 1 }); await new Promise((go) => setTimeout(go, 5)); }`,
      print:
        "context.signal.addEventListener('abort', () => console.log('told to stop')); for await (const flight of input);",
    });
    const run = folder.start(['run', 'endless.js']);
    await run.says('read ');
    run.child.kill('SIGINT');
    const ended = await run.ended;
    expect(ended.code, ended.stderr).to.equal(130);
    expect(ended.stdout).to.equal('told to stop\n');
    expect(ended.stderr).to.match(/^read \d+\/s, \d+ queued, 0 of 1 done; print \d+\/s, \d+ queued, 0 of 1 done$/m);
    expect(messages(ended)).to.have.length(2);
  });

  it('ends at once at the second Ctrl-C', async () => {
    folder.writePipeline('stubborn.js', { read: 'await new Promise(() => setInterval(() => {}, 1000));' });
    const run = folder.start(['run', 'stubborn.js']);
    await run.says('queued');
    run.child.kill('SIGINT');
    await run.says('Ctrl-C again');
    run.child.kill('SIGINT');
    expect((await run.ended).code).to.equal(130);
  });
});
