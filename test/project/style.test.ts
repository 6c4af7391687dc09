import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const MAX_LINES = 360;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !path.includes('/generated/'));
}

const sources = filesBelow('src').filter((path) => path.endsWith('.ts'));
const read = (path: string): string => readFileSync(path, 'utf8');

/** Imports nothing: it has to work where no other file can be opened. */
const ENTRY = 'src/cli/millrace.ts';

describe('the style of the house', () => {
  it(`keeps every file of src and test within ${MAX_LINES} lines`, () => {
    const files = [...sources, ...filesBelow('test').filter((path) => path.endsWith('.ts'))];
    const long = files.filter((path) => read(path).split('\n').length - 1 > MAX_LINES);
    expect(long).to.deep.equal([]);
  });

  it('begins the index of each folder with what lives there', () => {
    const silent = sources.filter((path) => path.endsWith('/index.ts') && !/^\/\*\*\n \* \S/.test(read(path)));
    expect(silent).to.deep.equal([]);
  });

  it('has no folder or file for what has no place', () => {
    const dumps = /\/(utils?|helpers?|common|misc|shared|types)(\/|\.ts$)/;
    expect(sources.filter((path) => dumps.test(path))).to.deep.equal([]);
  });

  it('imports each module once', () => {
    const imported = (path: string): string[] =>
      [...read(path).matchAll(/^(?:import|\} from|import .* from) ?(?:.* from )?'([^']+)';$/gm)].map(
        ([, module = '']) => module,
      );
    const repeated = sources.filter((path) => new Set(imported(path)).size < imported(path).length);
    expect(repeated).to.deep.equal([]);
  });

  it('leaves no notes to itself', () => {
    const notes = /\b(TODO|FIXME|XXX|HACK)\b/;
    expect(sources.filter((path) => notes.test(read(path)))).to.deep.equal([]);
  });

  it('looks at errors, which may be of any realm, by what foreign.ts offers', () => {
    const unguarded = /instanceof Error\b|isNativeError|\bString\((error|cause)\)|'code' in (error|cause)\b/;
    const files = sources.filter((path) => !['src/foreign.ts', 'src/logging/describe-fields.ts', ENTRY].includes(path));
    expect(files.filter((path) => unguarded.test(read(path)))).to.deep.equal([]);
  });

  it('prints from the command line by what output.ts offers', () => {
    const printing = /\b(stdout|stderr)\.write\(|\bconsole\./;
    const printers = sources.filter((path) => path.startsWith('src/cli/') && printing.test(read(path)));
    expect(printers).to.deep.equal([ENTRY, 'src/cli/output.ts']);
  });

  it('asks installation.ts where files of the package are', () => {
    const code = (path: string): string => read(path).replace(/^ *(\/\/|\/?\*).*$|'[^'\n]*'|"[^"\n]*"|`[^`]*`/gm, "''");
    expect(sources.filter((path) => /\bimport\.meta\b/.test(code(path)))).to.deep.equal([
      'src/installation.ts',
      // It removes itself from the options that the processes of its process inherit.
      'src/actors/services/programs/managed.ts',
    ]);
  });

  it('measures before it decides', () => {
    const decisions = filesBelow('docs/decisions').filter((path) => path.endsWith('.md'));
    const unmeasured = decisions.filter((path) => !/^#+ .*measure/im.test(read(path)));
    expect(unmeasured).to.deep.equal([]);
  });
});
