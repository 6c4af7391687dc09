import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { build } from 'esbuild';
import { ConfigError } from '#src/errors.js';
import { compiledModule, ownCode, packageFile, readManifest, requireNative } from '#src/installation.js';

describe('where Millrace is installed', function () {
  this.timeout(120_000);
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-installed-')));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is found from its own files', () => {
    expect(packageFile('package.json', 'It is needed.')).to.equal(resolve('package.json'));
    expect(ownCode()).to.include(`${resolve('dist')}/`);
    expect(compiledModule('index.js')).to.equal(resolve('dist/index.js'));
    expect(compiledModule('no-such-module.js')).to.equal(undefined);
    expect(requireNative('koffi')).to.have.property('load');
    expect(() => requireNative('no-such-package')).to.throw('no-such-package');
  });

  describe('by a package.json', () => {
    const put = (content: string | Uint8Array): string => {
      writeFileSync(join(folder, 'package.json'), content);
      return join(folder, 'package.json');
    };

    it('that may have a byte order mark', () => {
      expect(readManifest(put('\ufeff{ "name": "a" }\r\n'))).to.deep.equal({ name: 'a' });
    });

    it('that says nothing if it holds no object', () => {
      for (const text of ['null', '"millrace"', '1']) expect(readManifest(put(text))).to.deep.equal({});
    });

    it('that need not be there', () => {
      expect(readManifest(join(folder, 'package.json'))).to.equal(undefined);
      expect(readManifest(join(put('{}'), 'package.json'))).to.equal(undefined);
    });

    it('and an error names one that is wrong', () => {
      for (const content of ['', '{', '{ "name": "a", }', Uint8Array.of(0xff, 0xfe, 0x7b, 0)]) {
        const path = put(content);
        expect(() => readManifest(path)).to.throw(ConfigError, `${path} is not JSON: `);
      }
      expect(() => readManifest(folder)).to.throw(ConfigError, `${folder} cannot be read: EISDIR`);
    });
  });

  describe('in a bundle', () => {
    /** Runs a bundle of the runtime, three folders below `folder`, whose partitions would be on threads. */
    const run = async (format: 'esm' | 'cjs'): Promise<string> => {
      const place = join(folder, 'above/app');
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'package.json'), '{}');
      const file = join(place, format === 'esm' ? 'main.mjs' : 'main.cjs');
      const contents = `
        import { Runtime } from ${JSON.stringify(resolve('dist/index.js'))};
        Runtime.start({ partitions: 2, placement: 'thread' }).then(
          () => process.exit(),
          (error) => console.log(error.name, error.message),
        );`;
      await build({
        stdin: { contents, resolveDir: resolve('.') },
        bundle: true,
        platform: 'node',
        logLevel: 'silent',
        external: ['koffi'],
        format,
        outfile: file,
      });
      return (await promisify(execFile)(process.execPath, [file], { cwd: place })).stdout;
    };

    const foreign: Readonly<Record<string, string | undefined>> = {
      'has a byte order mark': '\ufeff{ "name": "a" }',
      'is not JSON': '{',
      'is empty': '',
      'is null': 'null',
      'is a folder': undefined,
    };
    for (const [what, text] of Object.entries(foreign)) {
      // Both formats look for it with the same code.
      for (const format of what === 'is null' ? (['esm', 'cjs'] as const) : (['esm'] as const)) {
        it(`(${format}) is not looked for in a package.json of others that ${what}`, async () => {
          const path = join(folder, 'above/package.json');
          mkdirSync(text === undefined ? path : join(folder, 'above'), { recursive: true });
          if (text !== undefined) writeFileSync(path, text);
          expect(existsSync(path)).to.equal(true);
          expect(await run(format)).to.match(/^ConfigError .*partitionProgram/);
        });
      }
    }
  });
});
