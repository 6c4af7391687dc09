import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { needsCommand } from '../../support/pending.js';
import { type Step, stepsOf } from './page.js';
import { Project, root } from './project.js';

/** Every page that opens with a program. */
const PAGES = [
  'README.md',
  'docs/first-actor.md',
  'docs/uploads.md',
  'docs/failures.md',
  'docs/guarantees.md',
  'docs/placement.md',
  'docs/components.md',
  'docs/pipelines.md',
  'docs/clusters.md',
  'docs/networks.md',
  'docs/clients.md',
  'docs/data.md',
  'docs/looking.md',
  'docs/testing.md',
  'docs/simulation.md',
  'docs/nact.md',
  'docs/persistence.md',
];

/** Those that other files run: `embedding.test.ts`, and `test/slow/hosts` what needs more than one machine. */
const PAGES_ELSEWHERE = ['docs/embedding.md', 'docs/hosts.md'];

/** Programs that a page may call and that not every machine has. */
const TOOLS = ['curl'];

describe('a page of the documentation', function () {
  this.timeout(300_000);

  it('has no program that is not run', () => {
    const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
    const withFiles = ['README.md', ...docs.map((name) => `docs/${name}`)].filter((name) =>
      stepsOf(readFileSync(join(root, name), 'utf8')).some(({ kind }) => kind === 'file'),
    );
    expect(withFiles).to.have.members([...PAGES, ...PAGES_ELSEWHERE]);
  });

  for (const name of PAGES) {
    it(`${name} leads from an empty folder to what it promises`, async function () {
      const steps = stepsOf(readFileSync(join(root, name), 'utf8'));
      expect(steps.filter(({ kind }) => kind === 'file')).to.not.deep.equal([]);
      expect(steps.filter(isChecked)).to.not.deep.equal([]);
      for (const tool of TOOLS) if (steps.some((step) => calls(step, tool))) needsCommand(this, tool);
      const project = await Project.create({ byNpm: name === 'README.md' });
      try {
        for (const step of steps) await project.do(step);
      } finally {
        await project.close();
      }
    });
  }
});

/** Whether the page shows what a step prints. */
function isChecked(step: Step): boolean {
  return (step.kind === 'run' || step.kind === 'start') && step.prints !== undefined;
}

function calls(step: Step, tool: string): boolean {
  return step.kind === 'run' && step.command.split(' ').includes(tool);
}
