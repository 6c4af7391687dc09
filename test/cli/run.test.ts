import { join } from 'node:path';
import { expect } from 'chai';
import { type Ended, FLIGHTS, Folder, messages, summaryOf } from './millrace.js';

const TEXT = { MILLRACE_LOG_FORMAT: 'text' };

describe('millrace run', function () {
  this.timeout(120_000);
  const folder = new Folder();
  after(() => folder.remove());
  const few = ['--', '--input', 'few.json', '--out', 'few'];
  before(() => folder.write('few.json', '[{"delay":3,"distance":10,"time":1.5},{"delay":"x"}]'));

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
    const { code, stdout, stderr } = await folder.ask(['run', './args.js', '--partitions', '1', '--', ...words]);
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({ input: 'a b.json', dry: true, maxRows: '5', empty: '', below: '-3' });
  });

  describe('a program that declares its arguments', () => {
    before(() => {
      folder.write(
        'declared.js',
        `import { pipeline } from 'millrace';
import { Flight } from ${JSON.stringify(join(FLIGHTS, 'gen/flights.js'))};
export default pipeline('declared', import.meta.url, (p, args) => {
  const flights = p.source('read', Flight, async () => { console.log(JSON.stringify(args)); });
  p.sink('print', flights, async (input) => { for await (const flight of input); });
}, { args: {
  input: { required: true, help: 'what is read' },
  maxRows: { type: 'number', default: 10, help: 'rows at most' },
  dry: { type: 'flag', help: 'write nothing' },
} });`,
      );
    });
    const run = (...words: string[]): Promise<Ended> =>
      folder.ask(['run', 'declared.js', '--partitions', '2', '--', ...words]);

    it('gets them with their types and defaults', async () => {
      const { code, stdout, stderr } = await run('--dry', '--input', '5');
      expect(code, stderr).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.equal({ input: '5', dry: true, maxRows: 10 });
      const other = await run('--input=--x', '--max-rows', '-2.5', '--dry=false');
      expect(JSON.parse(other.stdout)).to.deep.equal({ input: '--x', dry: false, maxRows: -2.5 });
    });

    const refused: readonly (readonly [words: string[], includes: string])[] = [
      [['--inptu', 'f'], 'has no argument --inptu. Did you mean --input?'],
      [['--maxrow', '3'], 'Did you mean --max-rows?'],
      [['--whatever'], 'It has --input, --max-rows, --dry.'],
      [['--constructor'], 'has no argument --constructor'],
      [[], 'needs the argument --input'],
      [['--input'], '--input needs a value'],
      [['--input', '--dry'], '--input needs a value'],
      [['--input', 'f', '--max-rows', 'many'], '--max-rows needs a number; got "many"'],
      [['--input', 'f', '--max-rows'], '--max-rows needs a number; got none'],
      [['--input', 'f', '--dry=maybe'], '--dry takes no value; got "maybe"'],
      [['--input', 'f', '--dry', 'f'], '"f" is not known'],
      [['--input', 'f', '--input', 'g'], '--input is given twice'],
    ];
    for (const [words, includes] of refused) {
      it(`is not run with "${words.join(' ')}"`, async () => {
        const ended = await run(...words);
        expect(ended.code, ended.stderr).to.equal(2);
        expect(messages(ended)).to.have.length(1);
        expect(ended.stderr).to.include(includes);
        expect(ended.stdout).to.equal('');
      });
    }

    it('lists them with --help, and does not run', async () => {
      for (const words of [['--help'], ['--input', 'f', '-h']]) {
        const { code, stdout, stderr } = await run(...words);
        expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
        expect(stdout).to.match(/^ {2}--input <text> +what is read \(required\)$/m);
        expect(stdout).to.match(/^ {2}--max-rows <number> +rows at most \(default: 10\)$/m);
        expect(stdout).to.match(/^ {2}--dry +write nothing$/m);
      }
      const { stdout } = await folder.ask(['run', FLIGHTS, '--', '--help']);
      expect(stdout).to.include('--input <text>').and.include('(default: out)').and.include('--quiet');
    });
  });

  it('takes the input of the flights from the folder it is run in', async () => {
    const ended = await folder.ask(['run', FLIGHTS, '--partitions', '2', '--instances', 'tally=2', ...few]);
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
    const ended = await folder.ask(['run', FLIGHTS, '--json', '--partitions', '2', ...few]);
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
    expect(ended.stderr).to.match(/^1 flights/m);
  });

  it('says nothing but what the program says with --quiet', async () => {
    folder.writePipeline('short.js', { read: "await output.write({ delay: 1 }); console.log('written');" });
    const ended = await folder.ask(['run', 'short.js', '--partitions', '1', '--quiet']);
    expect(ended).to.deep.equal({ code: 0, stdout: 'written\n', stderr: '' });
  });

  it('ends with 1 when the pipeline fails, and names segment, partition and cause', async () => {
    folder.writePipeline('failing.js', { read: "throw new Error('the disk is on fire');" });
    const ended = await folder.ask(['run', 'failing.js', '--partitions', '1']);
    expect(ended.code).to.equal(1);
    expect(messages(ended).join())
      .to.include('segment "read"')
      .and.include('in partition ')
      .and.include('the disk is on fire');
    expect(ended.stderr).to.not.match(/\n\s+at /);
    const { stdout } = await folder.ask(['run', 'failing.js', '--partitions', '1', '--json']);
    expect(JSON.parse(stdout)).to.include({ result: 'failed' }).and.have.nested.property('error.code', 'PIPELINE');
  });

  for (const placement of ['inline', 'thread', 'process']) {
    it(`has the stack of a failure and of its cause on standard error with --verbose, partitions ${placement}`, async () => {
      folder.writePipeline('deep.js', {
        read: "const inner = new RangeError('the disk is full'); throw new TypeError('cannot be written', { cause: inner });",
      });
      const words = ['run', 'deep.js', '--partitions', '2', '--placement', placement, '--verbose'];
      // Processes write past the streams of the one that answers.
      const run = (some: readonly string[]): Promise<Ended> =>
        placement === 'process' ? folder.run(some, TEXT) : folder.ask(some, TEXT);
      const { code, stderr } = await run(words);
      expect(code).to.equal(1);
      expect(stderr).to.match(/ segment failed .*\n {2}TypeError: cannot be written\n {6}at .*deep\.js:\d/);
      expect(stderr).to.match(/\n {2}caused by: RangeError: the disk is full\n {6}at .*deep\.js:\d/);
      expect(stderr).to.match(/\nmillrace: Pipeline "test" failed: .*\n {2}PipelineError: /);
      const plain = await run(words.slice(0, -1));
      expect(plain.stderr).to.not.match(/^\s+at /m);
      expect(messages(plain)).to.have.length(1);
    });
  }

  it('lets no text of a program steer the terminal by a message', async () => {
    folder.writePipeline('steering.js', { read: "throw new Error('\\u001b[2J\\u009b31m\\nmillrace: done in 0 s.');" });
    for (const words of [
      ['run', 'steering.js', '--partitions', '1'],
      ['--verbose', 'run', 'steering.js', '--partitions', '1'],
      ['run', 'no\u001b[2J.js'],
      ['no\u001b[2J'],
    ]) {
      const { stdout, stderr, code } = await folder.ask(words, TEXT);
      expect(code, stderr).to.be.oneOf([1, 2]);
      // oxlint-disable-next-line no-control-regex -- these are what must not be there.
      expect(stdout + stderr).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      expect(stderr)
        .to.include(String.raw`\x1b[2J`)
        .and.not.match(/^millrace: done/m);
    }
  });

  it('ends with 3, and does not hang, when the program throws where nobody catches it', async () => {
    folder.writePipeline('uncaught.js', {
      read: "setImmediate(() => { throw new Error('nobody catches'); }); await new Promise(() => {});",
    });
    const ended = await folder.run(['run', 'uncaught.js', '--partitions', '1']);
    expect(ended.code).to.equal(3);
    expect(messages(ended).join()).to.include('nobody catches');
  });

  it('tells how far each segment is, a line a second where there is no terminal; the first Ctrl-C stops it in order', async () => {
    folder.writePipeline('endless.js', {
      read: `for (;;) { await output.write({ delay: 1 }); await new Promise((go) => setTimeout(go, 5)); }`,
      print:
        "context.signal.addEventListener('abort', () => console.log('told to stop')); for await (const flight of input);",
    });
    const run = folder.start(['run', 'endless.js', '--partitions', '1']);
    await run.says('read ');
    run.child.kill('SIGINT');
    const ended = await run.ended;
    expect(ended.code, ended.stderr).to.equal(130);
    expect(ended.stdout).to.equal('told to stop\n');
    expect(ended.stderr).to.match(/^read \d+\/s, \d+ queued, 0 of 1 done; print \d+\/s, \d+ queued, 0 of 1 done$/m);
    expect(messages(ended)).to.have.length(2);
  });
});
