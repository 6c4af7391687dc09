import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { root } from './root.js';

const run = promisify(execFile);

/** Everything that one copy of Millrace makes is given to the other, and what comes of it is printed. */
const PROGRAM = `
import * as a from './a/index.mjs';
import * as b from './b/index.mjs';

const Echo = (copy) => {
  const rpc = (name, mode) => ({ name, mode, fullName: 'test.Echo.' + name, lane: 1, request: copy.Timestamp, response: copy.Timestamp });
  return { typeName: 'test.Echo', methods: { ask: rpc('ask', 'ask'), tell: rpc('tell', 'tell'), read: rpc('read', 'stream') } };
};
const echo = (copy, more) => copy.behavior(Echo(copy), {
  ask: (_, asked) => asked,
  tell: () => {},
  async *read(_, asked) { yield asked; yield copy.later(Promise.resolve({ nanos: 9 })); },
  ...more,
});
const say = (what, value) => console.log(what + ':', value);

say('two copies', a.behavior !== b.behavior);
for (const name of ['MillraceError', 'ConfigError', 'AskTimeoutError']) {
  const error = new b[name]('x');
  say(name, [error instanceof a[name], error instanceof a.MillraceError, error instanceof a.StoppedError, error.name].join());
}
class Own extends a.ConfigError {}
say('own class', [new Own('x') instanceof Own, new a.ConfigError('x') instanceof Own, new b.ConfigError('x') instanceof Own].join());

const runtime = await a.Runtime.start({ logLevel: 'silent' });
const other = await b.Runtime.start({ logLevel: 'silent' });
const answers = {
  later: () => b.later(Promise.resolve({ nanos: 1 })),
  'later of a thenable': () => b.later({ then: (resolve) => resolve({ nanos: 2 }) }),
  thenable: () => ({ then: (resolve) => resolve({ nanos: 3 }) }),
};
for (const [name, ask] of Object.entries(answers)) {
  say(name, (await runtime.spawn(echo(a, { ask })).ask({})).nanos);
}
const far = runtime.spawn(echo(b));
say('behavior', (await far.ask({ nanos: 4 })).nanos);
const read = [];
for await (const { nanos } of far.read({ nanos: 5 })) read.push(nanos);
say('stream', read.join());

const theirs = other.spawn(echo(b));
const through = runtime.spawn(echo(a, { ask: (_, asked, ctx) => theirs.ask(asked, ctx.options({ timeoutMs: 1000 })) }));
say('reference', (await through.ask({ nanos: 6 })).nanos);
const kept = runtime.spawn(echo(a, { ask: async (_, asked, ctx) => {
  const options = ctx.options({ meta: { seen: 'yes' } });
  await undefined;
  return theirs.ask(asked, options);
} }));
say('options', (await kept.ask({ nanos: 7 })).nanos);

let gone;
const ended = new Promise((resolve) => { gone = resolve; });
const watcher = runtime.spawn(echo(a, { tell: (_, m, ctx) => ctx.watch(theirs), on: { terminated: (_, { reason }) => gone(reason) } }));
watcher.tell({});
await watcher.ask({});
a.nact.stop(theirs);
say('watch', await ended);
const plain = b.nact.spawn(runtime, (state, m) => { a.nact.dispatch(m.sender, state); return state; }, 'plain', { initialState: 8 });
say('nact', await a.nact.query(plain, (sender) => ({ sender }), 1000));

const failing = async (thrown) => {
  const ref = runtime.spawn(echo(a, { ask: () => { throw thrown; } }));
  const error = await ref.ask({}).catch((cause) => cause);
  return [error.name, error.handlerCode].join();
};
say('error', await failing(new b.StoppedError('x')));
const pipeline = b.pipeline('numbers', undefined, (p) => {
  const rows = p.source('source', b.Timestamp, async (out) => { await out.write({ nanos: 10 }); });
  p.sink('sink', rows, async (input) => { for await (const { nanos } of input) say('pipeline', nanos); });
});
await (await runtime.run(pipeline)).done;
await runtime.stop();
await other.stop();
`;

const PRINTED = `two copies: true
MillraceError: true,true,false,MillraceError
ConfigError: true,true,false,ConfigError
AskTimeoutError: true,true,false,AskTimeoutError
own class: true,false,false
later: 1
later of a thenable: 2
thenable: 3
behavior: 4
stream: 5,9
reference: 6
options: 7
watch: stopped
nact: 8
error: HandlerError,STOPPED
pipeline: 10
`;

describe('two copies of Millrace in one program', function () {
  this.timeout(300_000);
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(root, 'build/copies-'));
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    for (const name of ['a', 'b']) {
      const copy = join(folder, name, 'node_modules/millrace');
      // A third of the files: a busy disk takes minutes for all of them.
      const filter = (path: string): boolean => !/\.(map|d\.c?ts)$/.test(path);
      await cp(join(root, 'dist'), join(copy, 'dist'), { recursive: true, filter });
      await cp(join(root, 'package.json'), join(copy, 'package.json'));
      await writeFile(
        join(folder, name, 'index.mjs'),
        "export * from 'millrace';\nexport { Timestamp } from 'millrace/protocol';\nexport * as nact from 'millrace/nact';\n",
      );
    }
  });

  after(() => rm(folder, { recursive: true }));

  it('know the values of each other', async () => {
    await writeFile(join(folder, 'main.mjs'), PROGRAM);
    const { stdout } = await run(process.execPath, ['main.mjs'], { cwd: folder, timeout: 120_000 });
    expect(stdout).to.equal(PRINTED);
  });
});
