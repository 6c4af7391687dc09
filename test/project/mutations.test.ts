import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';

interface Mutation {
  readonly name: string;
  readonly find: string;
  readonly replace: string;
  readonly workloads: readonly string[];
}

describe('the mutations of the runtime', () => {
  it('apply to the text that is there, and leave a program', async () => {
    const { mutations } = (await load('list.mjs')) as { mutations: readonly Mutation[] };
    const { compiled } = (await load('edit.mjs')) as { compiled: (mutation: Mutation) => string };
    const workloads = readdirSync('test/simulation/workloads');
    expect(mutations.length).to.be.at.least(14);
    expect(new Set(mutations.map(({ name }) => name)).size).to.equal(mutations.length);
    for (const mutation of mutations) {
      expect(mutation.find, mutation.name).not.to.equal(mutation.replace);
      expect(compiled(mutation), mutation.name).to.be.a('string');
      for (const workload of mutation.workloads) expect(workloads, mutation.name).to.include(`${workload}.ts`);
    }
  });
});

function load(name: string): Promise<unknown> {
  return import(pathToFileURL(resolve('scripts/mutations', name)).href);
}
