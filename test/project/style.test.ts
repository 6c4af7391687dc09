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

  it('leaves no notes to itself', () => {
    const notes = /\b(TODO|FIXME|XXX|HACK)\b/;
    expect(sources.filter((path) => notes.test(read(path)))).to.deep.equal([]);
  });

  it('measures before it decides', () => {
    const decisions = filesBelow('docs/decisions').filter((path) => path.endsWith('.md'));
    const unmeasured = decisions.filter((path) => !/^#+ .*measure/im.test(read(path)));
    expect(unmeasured).to.deep.equal([]);
  });
});
