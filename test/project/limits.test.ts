import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { limits } from '#src/limits.js';

/** The rows of the table in docs/limits.md: name -> cells. */
function documented(): Map<string, string[]> {
  const lines = readFileSync('docs/limits.md', 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('| `')).map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(rows.map((cells) => [(cells[1] ?? '').replaceAll('`', ''), cells]));
}

describe('docs/limits.md', () => {
  it('names every limit, and no other', () => {
    expect([...documented().keys()].toSorted()).to.deep.equal(Object.keys(limits).toSorted());
  });

  it('gives the unit, the default and what happens for each', () => {
    const rows = documented();
    for (const [name, value] of Object.entries(limits)) {
      const [, , unit, byDefault, , consequence] = rows.get(name) ?? [];
      expect(byDefault, name).to.equal(String(value));
      expect(unit, name).not.to.equal('');
      expect(consequence, name).not.to.equal('');
    }
  });
});
