import { expect } from 'chai';
import { Folder } from './millrace.js';

describe('millrace gen', function () {
  this.timeout(120_000);
  const folder = new Folder();
  after(() => folder.remove());

  it('makes a module and its types of each file, and of those they import', async () => {
    folder.write(
      'shop.proto',
      'syntax = "proto3"; package shop; import "money.proto"; message Price { Money money = 1; }',
    );
    folder.write('money.proto', 'syntax = "proto3"; package shop; message Money { int64 cents = 1; }');
    const ended = await folder.ask(['gen', 'shop.proto', '--out', 'gen', '--proto-path', '.']);
    const files = ['money.d.ts', 'money.js', 'shop.d.ts', 'shop.js'].map((name) => `wrote gen/${name}\n`);
    expect(ended).to.deep.equal({ code: 0, stdout: files.join(''), stderr: '' });
    expect(folder.read('gen/shop.d.ts')).to.include('Price');
    expect(folder.read('gen/money.js')).to.include('Money');
  });

  it('lets no name of a file or folder steer the terminal', async () => {
    folder.write('b\u202egpj.proto', 'syntax = "proto3"; message M {}');
    const { code, stdout, stderr } = await folder.ask(['gen', 'b\u202egpj.proto', '--out', 'a\u001b[2J\nwrote']);
    expect(code, stderr).to.equal(0);
    expect(stdout)
      .to.match(/^(wrote .*\n){2}$/)
      .and.include(String.raw`a\x1b[2J\nwrote/b\u202egpj.js`);
  });

  it('takes the folders of imports after -I, as protoc does', async () => {
    folder.write('near.proto', 'syntax = "proto3"; message Near {}');
    for (const words of [['-I', '.'], ['-I.'], ['-I', 'gen', '-I.']]) {
      const { code, stderr } = await folder.ask(['gen', 'near.proto', ...words, '--out', 'gen']);
      expect(code, stderr).to.equal(0);
    }
    expect(folder.read('gen/near.js')).to.include('Near');
  });

  it('names file and line of what it does not understand, and writes nothing', async () => {
    folder.write('wrong.proto', 'syntax = "proto3";\nmessage {');
    const { code, stderr } = await folder.ask(['gen', 'wrong.proto', '--out', 'nothing']);
    expect(code).to.equal(2);
    expect(stderr).to.match(/^millrace: wrong\.proto.*2/);
    expect(() => folder.read('nothing/wrong.js')).to.throw();
  });
});

describe('millrace config', function () {
  this.timeout(120_000);
  const folder = new Folder();
  after(() => folder.remove());
  before(() => folder.write('millrace.config.json', '{ "streamItems": 64, "askTimeoutMs": 100 }'));

  it('prints each option in force, and where it came from', async () => {
    const { code, stdout, stderr } = await folder.ask(['config'], { MILLRACE_ASK_TIMEOUT_MS: '250' });
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^streamItems +64 +\S*millrace\.config\.json /m);
    expect(stdout).to.match(/^askTimeoutMs +250 +MILLRACE_ASK_TIMEOUT_MS /m);
    expect(stdout).to.match(/^logLevel +info +default /m);
  });

  it('prints them as JSON', async () => {
    const { stdout } = await folder.ask(['config', '--json']);
    expect(JSON.parse(stdout)).to.deep.include({ logLevel: { value: 'info', from: 'default' } });
  });

  it('prints no password of a cluster store', async () => {
    const env = { MILLRACE_CLUSTER_STORE: 'nats://bob:s3cret@host:4222/shop' };
    for (const words of [['config'], ['config', '--json']]) {
      const { code, stdout, stderr } = await folder.ask(words, env);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.include('nats://***@host:4222/shop').and.not.include('s3cret');
    }
  });

  it('starts where Kubernetes has set variables for a Service named millrace, and says once what it ignores', async () => {
    folder.writePipeline('short.js', { read: 'await output.write({ delay: 1 });' });
    const env = { MILLRACE_SERVICE_HOST: '10.0.0.7', MILLRACE_PORT: 'tcp://10.0.0.7:80', MILLRACE_UCX: '' };
    for (const words of [['config'], ['run', 'short.js', '--partitions', '2', '--placement', 'process']]) {
      const { code, stderr } = await folder.run(words, env);
      expect(code, stderr).to.equal(0);
      expect(stderr.match(/Ignored environment variables/g)).to.have.length(1);
      expect(stderr).to.include('MILLRACE_SERVICE_HOST').and.include('MILLRACE_UCX (empty)');
    }
  });

  it('refuses a name that is not known, and suggests the near one', async () => {
    folder.write('other.json', '{ "streamItem": 64 }');
    const { code, stderr } = await folder.ask(['config', '--config', 'other.json']);
    expect(code).to.equal(2);
    expect(stderr).to.include('Did you mean streamItems?');
  });
});
