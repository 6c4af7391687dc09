import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { pendingBecause } from '../../support/pending.js';
import { lackingUcx } from '../../transport/ucx/available.js';
import { cjs, esm, everyEntryPoint, jest, joined, nest, placed, typescript } from './programs.js';
import { Offline, type Project, shell, Stranger } from './stranger.js';

/** Settings for programs, beside `nodenext` and what `tsc --init` writes, which is CommonJS in the older ones. */
const BUNDLER = { type: 'module', options: ['--module', 'esnext', '--moduleResolution', 'bundler'] } as const;
const NODE16 = { type: 'commonjs', options: ['--module', 'node16'] } as const;
const COMMONJS = { type: 'commonjs', options: ['--module', 'commonjs', '--esModuleInterop'] } as const;
const VERSIONS = {
  '5.4': { name: 'ts54', settings: [] },
  // The first whose typed arrays are generic.
  '5.7': { name: 'ts57', settings: [] },
  newest: { name: 'ts', settings: [BUNDLER, NODE16, COMMONJS, { ...NODE16, type: 'module' }] },
} as const;
const TOOLS = [
  'ts54@npm:typescript@5.4',
  'ts57@npm:typescript@5.7',
  'ts@npm:typescript@latest',
  'esbuild',
  'vite',
  'jest',
  '@types/node@20',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  'reflect-metadata',
  'rxjs',
];
const BUILD_FILE = /\.map$|\.tsbuildinfo$|(^|\/)\.[^/]*$/;
/** The bundler warns of none of the package's files. */
const QUIET = ['--log-level=warning', '--platform=node', '--bundle'];

describe('the package, installed by a stranger,', function () {
  this.timeout(300_000);
  let stranger: Stranger;
  let contents: readonly string[] = [];

  before(async function () {
    stranger = await Stranger.create();
    try {
      const packed = await stranger.pack();
      const { stdout } = await promisify(execFile)('tar', ['tzf', packed], { maxBuffer: 2 ** 24 });
      contents = stdout
        .trim()
        .split('\n')
        .map((path) => path.replace(/^package\//, ''));
      await stranger.install(packed, ...TOOLS);
    } catch (error) {
      if (error instanceof Offline) pendingBecause(this, error.message);
      throw error;
    }
  });

  after(() => stranger.close());

  describe('as a tarball', () => {
    it('has documentation, examples, licence and changelog, and nothing that only the build needs', async () => {
      const linked = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/projects.md'];
      for (const path of ['README.md', 'LICENSE', ...linked, 'dist/vendor/LICENSES.txt']) {
        expect(contents).to.include(path);
      }
      expect(contents.filter((path) => path.startsWith('dist/') && BUILD_FILE.test(path))).to.deep.equal([]);
      const scripts = contents.filter((path) => /^dist\/.*js$/.test(path));
      expect(scripts).to.include('dist/index.js').and.include('dist/cjs/index.js').and.include('dist/cli/main.js');
      const installed = join(stranger.folder, 'node_modules/millrace');
      for (const path of scripts) {
        expect(await readFile(join(installed, path), 'utf8'), path).to.not.match(/^\/\/# sourceMappingURL=/m);
      }
      const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as object;
      expect(manifest).to.include.keys('repository', 'homepage', 'bugs', 'keywords', 'license');
    });

    it('takes less than 12 MB when it is installed', async () => {
      const installed = join(stranger.folder, 'node_modules/millrace');
      const files = contents.filter((path) => path !== '' && !path.endsWith('/'));
      const sizes = await Promise.all(files.map(async (path) => (await stat(join(installed, path))).size));
      expect(sizes.reduce((sum, size) => sum + size, 0)).to.be.below(12_000_000);
    });

    it('has a shim for this machine: UCX is used where there is no compiler', async function () {
      const ucx = lackingUcx();
      if (ucx !== undefined) pendingBecause(this, ucx);
      expect(contents.filter((path) => /^native-shims\/build\/|\.so$/.test(path)))
        .to.include(`native-shims/prebuilt/linux-${process.arch}/millrace-ucx.so`)
        .and.not.include('native-shims/build/millrace-ucx.so');
      const project = await stranger.project('ucx', 'module', { 'main.js': joined });
      const bare = join(project.folder, 'bin');
      await mkdir(bare);
      await symlink(process.execPath, join(bare, 'node'));
      expect(await project.node('main.js', bare)).to.match(/\bucx$/m);
    });

    it('has an example that runs by the command of the help', async () => {
      const help = await shell(stranger.folder, 'node_modules/.bin/millrace', '--help');
      const commands =
        help
          .split('First steps:\n')[1]
          ?.split('\n')
          .map((line) => line.trim()) ?? [];
      const [install = '', run = ''] = commands;
      expect(install).to.match(/^npm install vega-datasets@/);
      expect(run).to.equal('millrace run node_modules/millrace/examples/flights');
      await stranger.install(...install.split(' ').slice(2));
      const chart = await shell(stranger.folder, 'node_modules/.bin/millrace', ...run.split(' ').slice(1));
      expect(chart).to.contain('200,000');
    });
  });

  describe('in JavaScript', () => {
    it('runs as an ES module', async () => {
      const project = await stranger.project('esm', 'module', { 'main.js': esm });
      expectRun(await project.node('main.js'));
    });

    it('runs as CommonJS', async () => {
      const project = await stranger.project('cjs', 'commonjs', { 'main.js': cjs });
      expectRun(await project.node('main.js'));
    });

    it('runs in Jest, in its default mode', async () => {
      const project = await stranger.project('jest', 'commonjs', { 'price.test.js': jest, 'jest.config.js': '' });
      expect(await project.command('jest')).to.contain('1 passed');
    });
  });

  for (const [version, { name, settings }] of Object.entries(VERSIONS)) {
    describe(`in TypeScript ${version}`, () => {
      const compile = (project: Project, ...options: string[]) =>
        project.packaged(`${name}/bin/tsc`, '--skipLibCheck', 'false', ...options);
      const strict = ['--strict', '--target', 'es2022', '--typeRoots', 'none'];

      // 5.7 writes what 5.4 does.
      if (name !== 'ts57') {
        it('compiles and runs with what tsc --init writes', async () => {
          const type = name === 'ts' ? 'module' : 'commonjs';
          const project = await stranger.project(`${name}-init`, type, { 'main.ts': typescript });
          await project.packaged(`${name}/bin/tsc`, '--init');
          await compile(project, '-p', '.', ...(name === 'ts' ? [] : ['--types', 'node']));
          expectRun(await project.node('main.js'));
        });
      }

      for (const { type, options } of settings) {
        it(`compiles and runs with ${options.join(' ')} in ${type} packages, without @types/node`, async () => {
          const project = await stranger.project(`${name}-${type}`, type, { 'main.ts': typescript });
          await compile(project, ...options, ...strict, 'main.ts');
          expectRun(await project.node('main.js'));
        });
      }

      it('knows every entry point with nodenext, and refuses a wrong message and nothing else', async () => {
        const project = await stranger.project(`${name}-all`, 'module', {
          'main.ts': typescript,
          'all.ts': everyEntryPoint,
          'wrong.ts': typescript.replace('price: 12.5 }', 'prize: 12.5 }'),
        });
        const files = ['main.ts', 'all.ts', 'wrong.ts'];
        const refusal = await compile(project, '--module', 'nodenext', ...strict, ...files).then(
          () => '',
          (error: unknown) => String(error),
        );
        expect(refusal.match(/error TS.*/g), refusal).to.have.length(1);
        expect(refusal).to.match(/wrong\.ts.*'prize' does not exist/);
        expectRun(await project.node('main.js'));
      });
    });
  }

  it('runs in CommonJS TypeScript with decorators, as Nest sets it up', async () => {
    const project = await stranger.project('nest', 'commonjs', { 'main.ts': nest });
    const options = [
      '--module',
      'commonjs',
      '--target',
      'es2023',
      '--experimentalDecorators',
      '--emitDecoratorMetadata',
    ];
    await project.packaged(
      'ts57/bin/tsc',
      ...options,
      '--strictNullChecks',
      '--skipLibCheck',
      '--types',
      'node',
      'main.ts',
    );
    expect(await project.node('main.js')).to.equal('{"price":12.5}\n');
  });

  describe('in a bundle', () => {
    for (const [format, type] of [
      ['esm', 'module'],
      ['cjs', 'commonjs'],
    ] as const) {
      for (const minify of [[], ['--minify']]) {
        const title = [format, ...minify].join(' ');

        it(`of esbuild (${title}) runs without node_modules`, async () => {
          const project = await stranger.project(`bundle-${format}`, 'module', { 'main.ts': typescript });
          const file = project.output(`main${minify.join('')}.${format === 'esm' ? 'mjs' : 'cjs'}`);
          expect(
            await project.command('esbuild', 'main.ts', ...QUIET, ...minify, `--format=${format}`, `--outfile=${file}`),
          ).to.equal('');
          expectRun(await shell(stranger.bare, process.execPath, file));
        });
      }

      it(`of esbuild (${format}) runs partitions by an entry of its own, and says so where there is none`, async () => {
        const place = (file: string): string =>
          format === 'esm'
            ? `new URL('./${file}.js', import.meta.url).href`
            : `pathToFileURL(join(__dirname, '${file}.js')).href`;
        const project = await stranger.project(`placed-${format}`, 'module', placed(place));
        const folder = project.output(`placed-${format}`);
        await mkdir(folder);
        await writeFile(join(folder, 'package.json'), JSON.stringify({ type }));
        const entries = ['placed.ts', 'flow.ts', 'partition.ts'];
        expect(
          await project.command(
            'esbuild',
            ...entries,
            ...QUIET,
            '--minify',
            `--format=${format}`,
            `--outdir=${folder}`,
          ),
        ).to.equal('');
        const read = 'read 1\nread 1\n';
        expect(await shell(folder, process.execPath, 'placed.js')).to.equal(`${read}thread\n${read}process\n`);
        const refusal = await shell(folder, process.execPath, 'placed.js', 'bare');
        expect(refusal).to.match(/^CONFIG .*millrace\/partition.*partitionProgram/);
      });
    }

    it('of Vite, for servers, runs without node_modules', async () => {
      const config = 'export default { ssr: { noExternal: true }, build: { minify: true } };';
      const project = await stranger.project('vite', 'module', { 'main.ts': typescript, 'vite.config.js': config });
      const folder = project.output('vite');
      await project.command('vite', 'build', '--ssr', 'main.ts', '--outDir', folder, '--emptyOutDir');
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
      expectRun(await shell(folder, process.execPath, 'main.js'));
    });
  });
});

function expectRun(output: string): void {
  expect(output).to.match(/^12\.5$/m);
  expect(output).to.contain('runtime has stopped');
}
