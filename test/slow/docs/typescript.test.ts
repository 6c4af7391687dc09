import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Step, stepsOf } from './page.js';
import { Project, root } from './project.js';

/** Pages whose programs are JavaScript that a reader may save as TypeScript. */
const PAGES = ['README.md', 'docs/first-actor.md', 'docs/clusters.md'];

/** What the illustrations take from elsewhere. */
const AROUND: readonly Step[] = [
  {
    kind: 'file',
    path: 'flights.ts',
    text: "import { pipeline } from 'millrace';\nexport default pipeline('flights', import.meta.url, () => {});\n",
  },
  { kind: 'run', command: 'npm install millrace @opentelemetry/api fastify', prints: undefined },
];

describe('a program of the documentation', function () {
  this.timeout(300_000);

  for (const name of PAGES) {
    it(`${name}: is TypeScript, too`, async () => {
      await compile(typescriptSteps(name));
    });
  }

  it('compiles where it only illustrates', async () => {
    const steps = illustrations();
    expect(steps).to.have.length.greaterThan(3);
    await compile([
      { kind: 'run', command: 'npm init -y && npm pkg set type=module', prints: undefined },
      ...AROUND,
      ...steps,
    ]);
  });

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

/** Blocks that are no file of a program, and import all that they use, but nothing generated. */
function illustrations(): readonly Step[] {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  return pages
    .flatMap((page) =>
      [...readFileSync(join(root, 'docs', page), 'utf8').matchAll(/^```ts\n(import [\s\S]*?)^```$/gm)].map(
        ([, text = ''], index): Step => ({ kind: 'file', path: `${page.replace('.md', '')}-${index}.ts`, text }),
      ),
    )
    .filter((step) => step.kind === 'file' && !step.text.includes("'./gen/"));
}

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
