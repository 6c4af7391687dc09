import { expect } from 'chai';
import { checkoutCommands, stepsOf } from './page.js';
import { Project } from './project.js';

const PAGE = [
  '```js',
  '// src/main.js',
  'console.log(1);',
  '```',
  'An illustration:',
  '```js',
  'illustration();',
  '```',
  '```sh',
  'node src/main.js      # prints 1',
  'node server.js &      # prints ready',
  'ls                    # a remark',
  'kill %?server',
  'kill -9 %?server',
  'node last.js',
  '```',
  '```text',
  'one',
  'two',
  '```',
  '```sh checkout',
  'npm start   # builds',
  '```',
  '',
].join('\n');

describe('the steps of a page', () => {
  it('are its files and its commands, in order, with what they print', () => {
    expect(stepsOf(PAGE)).to.deep.equal([
      { kind: 'file', path: 'src/main.js', text: '// src/main.js\nconsole.log(1);\n' },
      { kind: 'run', command: 'node src/main.js', prints: '1' },
      { kind: 'start', command: 'node server.js', prints: 'ready' },
      { kind: 'run', command: 'ls', prints: undefined },
      { kind: 'kill', job: 'server', signal: 'SIGTERM' },
      { kind: 'kill', job: 'server', signal: 'SIGKILL' },
      { kind: 'run', command: 'node last.js', prints: 'one\ntwo' },
    ]);
    expect(checkoutCommands(PAGE)).to.deep.equal(['npm start']);
  });

  it('need what a command in the background prints', () => {
    expect(() => stepsOf('```sh\nnode server.js &\n```\n')).to.throw('does not say what');
  });

  it('fail where a command prints something else, fails, or never gets ready', async () => {
    const project = await Project.create();
    const failure = (command: string, kind: 'run' | 'start') =>
      project.do({ kind, command, prints: 'hello' }).then(
        () => 'it passed',
        (error: unknown) => String(error),
      );
    try {
      expect(await failure('echo goodbye', 'run')).to.include("expected 'goodbye' to equal 'hello'");
      expect(await failure('echo why >&2; false', 'run')).to.include('why');
      expect(await failure('echo goodbye', 'start')).to.include('ended before it printed "hello"');
    } finally {
      await project.close();
    }
  });
});
