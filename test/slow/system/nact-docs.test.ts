import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { root } from '../../system/root.js';

const run = promisify(execFile);

describe('docs/nact.md', function () {
  this.timeout(120_000);

  it('shows programs that compile, print what they say, and remember it where they persist', async () => {
    const text = await readFile(join(root, 'docs/nact.md'), 'utf8');
    const programs = [...text.matchAll(/```ts\n([\s\S]*?)```/g)]
      .map((match) => match[1] ?? '')
      .filter((block) => block.startsWith('import'));
    expect(programs).to.have.length(2);
    const folder = await mkdtemp(join(tmpdir(), 'millrace-nact-docs-'));
    try {
      await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
      for (const [index, program] of programs.entries()) await writeFile(join(folder, `${index}.ts`), program);
      const compilerOptions = {
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        module: 'nodenext',
        types: ['node'],
        strict: true,
        exactOptionalPropertyTypes: true,
      };
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['0.ts', '1.ts'] }));
      await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd: folder });
      const printed: string[] = [];
      for (const index of [0, 1, 1]) {
        const { stdout } = await run(process.execPath, [`${index}.js`], { cwd: folder });
        printed.push(stdout);
      }
      expect(printed).to.deep.equal(['3\n', '30\n', '60\n']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
