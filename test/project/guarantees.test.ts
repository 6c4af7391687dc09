import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';

/** The cells of the column "tested by" of docs/guarantees.md. */
const PROOFS = readFileSync('docs/guarantees.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| promise'))
  .map((line) => line.split('|').at(-2) ?? '');

/** What such a cell names in backquotes: tests, workloads, invariants, commands. */
const NAMES = new Set(PROOFS.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)));

describe('each guarantee', () => {
  it('is tested by something', () => {
    expect(PROOFS).to.have.length.above(30);
    expect(PROOFS.filter((cell) => !/`|"/.test(cell))).to.deep.equal([]);
  });

  it('is tested by tests, workloads and invariants that exist', () => {
    const workloads = readdirSync('test/simulation/workloads').map((name) => name.replace('.ts', ''));
    const invariants = [...readFileSync('src/simulation/violation.ts', 'utf8').matchAll(/\| '(\w+)'/g)].map(
      ([, name]) => name,
    );
    const exists = (name: string): boolean =>
      workloads.includes(name) ||
      invariants.includes(name) ||
      existsSync(`test/${name}`) ||
      ['npm run bench -- load', 'ready()'].includes(name);
    expect([...NAMES].filter((name) => !exists(name))).to.deep.equal([]);
  });

  it('is tested by mutations that exist', async () => {
    const list = pathToFileURL(resolve('scripts/mutations/list.mjs')).href;
    const { mutations } = (await import(list)) as { mutations: readonly { readonly name: string }[] };
    const names = mutations.map(({ name }) => name);
    const quoted = PROOFS.flatMap((cell) => [...cell.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name));
    expect(quoted).to.have.length.above(5);
    expect(quoted.filter((name) => !names.includes(name))).to.deep.equal([]);
  });
});
