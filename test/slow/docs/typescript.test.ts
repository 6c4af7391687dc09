import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Step, stepsOf } from './page.js';
import { Project, root } from './project.js';

/** Pages whose programs are JavaScript that a reader may save as TypeScript. */
const PAGES = ['README.md', 'docs/first-actor.md'];

describe('a program of the documentation', function () {
  this.timeout(120_000);

  for (const name of PAGES) {
    it(`${name}: is TypeScript, too`, async () => {
      await compile(typescriptSteps(name));
    });
  }

  it('README.md: does not compile with a wrong message', async () => {
    const steps = typescriptSteps('README.md').map((step) =>
      step.kind === 'file' ? { ...step, text: step.text.replace('price: 12.5 }', 'prize: 12.5 }') } : step,
    );
    const message = await compile(steps).then(
      () => 'it compiles',
      (error: unknown) => String(error),
    );
    expect(message).to.include("'prize' does not exist");
  });
});

/** The files of a page, and the commands that they need before they can be compiled. */
function typescriptSteps(name: string): readonly Step[] {
  const steps = stepsOf(readFileSync(join(root, name), 'utf8'));
  return steps
    .filter(({ kind }) => kind === 'file' || kind === 'run')
    .filter((step) => step.kind !== 'run' || /^npm (init|install) |millrace gen /.test(step.command))
    .map((step) => (step.kind === 'file' ? { ...step, path: step.path.replace(/\.js$/, '.ts') } : step));
}

async function compile(steps: readonly Step[]): Promise<void> {
  const project = await Project.create();
  try {
    for (const step of steps) await project.do(step);
    for (const command of ['npm install typescript @types/node', 'npx tsc --init', 'npx tsc --noEmit --types node']) {
      await project.do({ kind: 'run', command, prints: undefined });
    }
  } finally {
    await project.close();
  }
}
