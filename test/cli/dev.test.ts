import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Folder, messages, type Started } from './millrace.js';

const PROTO = `
syntax = "proto3";
package dev;
message Sold { sint32 count = 1; }
message Taken { sint32 sum = 1; string text = 2; }
service Till { rpc Add(Sold) returns (Taken); }
`;

describe('millrace dev', function () {
  this.timeout(180_000);
  const generated = new Folder();
  const GEN = JSON.stringify(join(generated.path, 'gen/till.js'));
  before(async () => {
    generated.write('till.proto', PROTO);
    expect((await generated.ask(['gen', 'till.proto', '--out', 'gen', '--quiet'])).code).to.equal(0);
  });
  after(() => generated.remove());
  let folder: Folder;
  let started: Started | undefined;
  beforeEach(() => {
    folder = new Folder();
    mkdirSync(join(folder.path, 'shop'));
    folder.write('shop/words.js', `export const greeting = 'one';`);
    folder.write('shop/till.js', TILL);
  });
  afterEach(async () => {
    started?.child.kill('SIGKILL');
    await started?.ended;
    started = undefined;
    await folder.remove();
  });
  function start(...words: string[]): Started {
    started = folder.start(['dev', 'shop', ...words]);
    return started;
  }
  const TILL = `
    import { defineComponent } from 'millrace';
    import { Till } from ${GEN};
    import { greeting } from './words.js';
    export default defineComponent('till', import.meta.url, Till, {
      created: () => ({ sum: 0 }),
      exportState: ({ sum }) => Uint8Array.of(sum),
      importState: (kept, state) => void (kept.sum = state[0]),
      handlers: { add: (kept, { count }) => ({ sum: (kept.sum += count), text: greeting }) },
    });
  `;
  /** It counts in the till every few ms, and says each new answer of it. */
  const CALLS = `
    import { Till } from ${GEN};
    export default async function main({ network, signal }) {
      const till = await network.client(Till);
      let last = 0, told = '';
      while (!signal.aborted) {
        const { sum, text } = await till.add({ count: 1 });
        if (sum !== last + 1 && last !== 0) console.error('the sum is ' + sum + ' after ' + last);
        last = sum % 200;
        if (sum === 200) await till.add({ count: -200 });
        if (text !== told) console.error('answer ' + (told = text));
        await new Promise((go) => setTimeout(go, 2));
      }
      console.error('main has ended');
    }
  `;

  it('replaces a component whose file, or an import of it, changes: its state is kept, and no call fails', async () => {
    folder.write('shop/main.js', CALLS);
    const { child, ended, ...commands } = start();
    const says = (text: string): Promise<string> => commands.says(text);
    await says('answer one');
    await says('till served; changes are followed');
    folder.write('shop/words.js', `export const greeting = 'two';`);
    await says('till.js: till is replaced');
    await says('answer two');
    folder.write('shop/till.js', TILL.replace('text: greeting', `text: 'three'`));
    await says('answer three');
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(stderr).to.not.include('the sum is').and.not.include('has failed');
    expect(stderr).to.include('main has ended');
    expect(code).to.equal(130);
  });

  it('goes on with the last version of what does not load or start, and follows what comes and goes', async () => {
    folder.write('shop/main.js', CALLS);
    const { child, ended, ...commands } = start();
    const says = (text: string): Promise<string> => commands.says(text);
    await says('till served; changes are followed');
    folder.write('shop/words.js', `export const greeting = ;`);
    await says('till.js cannot be loaded, and its last version goes on: SyntaxError');
    folder.write('shop/words.js', `export const greeting = 'mended';`);
    await says('answer mended');
    folder.write('shop/till.js', TILL.replace('({ sum: 0 })', '{ throw new Error("no till today"); }'));
    await says('till is not replaced, and its last version goes on');
    await says('no till today');
    folder.write('shop/main.js', `export default () => { throw new RangeError('no main today'); };`);
    await says('the program has failed: RangeError: no main today');
    folder.write('shop/other.js', TILL.replace(`'till'`, `'other'`));
    await says('other.js: other is not served: ');
    rmSync(join(folder.path, 'shop/till.js'));
    await says('till.js is gone: till is not served any more');
    child.kill('SIGTERM');
    expect((await ended).code).to.equal(143);
  });

  it('ends with the program with --once, which has its arguments and fails with it', async () => {
    const main = (body: string): void =>
      folder.write(
        'shop/main.js',
        `import { Till } from ${GEN}; export default async ({ network, args }) => { ${body} };`,
      );
    main(`console.log((await (await network.client(Till)).add({ count: Number(args[0]) })).sum);`);
    const good = await start('--once', '--', '7').ended;
    expect([good.code, good.stdout]).to.deep.equal([0, '7\n']);
    main(`throw new Error('no till');`);
    expect(messages(await start('--once').ended)).to.deep.equal(['millrace: the program has failed: Error: no till']);
    rmSync(join(folder.path, 'shop/main.js'));
    expect((await start('--once').ended).code).to.equal(1);
  });

  it('finds the modules that a package.json names, and refuses a folder without any', async () => {
    folder.write('shop/package.json', '{ "type": "module", "millrace": "./built/main.js" }');
    mkdirSync(join(folder.path, 'shop/built'));
    writeFileSync(join(folder.path, 'shop/built/main.js'), `export default () => console.log('main');`);
    expect((await start('--once').ended).stdout).to.equal('main\n');
    mkdirSync(join(folder.path, 'empty'));
    for (const wrong of ['empty', 'nowhere']) expect((await folder.ask(['dev', wrong])).code).to.equal(2);
  });
});
