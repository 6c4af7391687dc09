import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Step, stepsOf } from './page.js';
import { Project, root } from './project.js';

/** Every page that opens with a program. */
const PAGES = ['README.md', 'docs/first-actor.md', 'docs/embedding.md', 'docs/failures.md', 'docs/cluster.md'];

/** Programs that a page may call and that not every machine has. */
const TOOLS = ['curl'];

describe('a page of the documentation', function () {
  this.timeout(300_000);

  for (const name of PAGES) {
    it(`${name} leads from an empty folder to what it promises`, async function () {
      const steps = stepsOf(readFileSync(join(root, name), 'utf8'));
      expect(steps.filter(({ kind }) => kind === 'file')).to.not.deep.equal([]);
      expect(steps.filter(isChecked)).to.not.deep.equal([]);
      const missing = TOOLS.filter((tool) => steps.some((step) => calls(step, tool)) && !isInstalled(tool));
      if (missing.length > 0) {
        if (this.test !== undefined) this.test.title += ` (pending: ${missing.join(', ')} is not installed)`;
        return this.skip();
      }
      const project = await Project.create();
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

function isInstalled(tool: string): boolean {
  return spawnSync('bash', ['-c', `command -v ${tool}`]).status === 0;
}
