import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { root } from '../../system/root.js';

const run = promisify(execFile);

/** The fenced blocks of a language in README.md, in order. */
async function blocks(language: string): Promise<string[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
}

describe('README.md', function () {
  this.timeout(120_000);

  it('shows an example that compiles, and prints the price', async () => {
    const [proto = ''] = await blocks('proto');
    const [example = ''] = await blocks('ts');
    const folder = await mkdtemp(join(tmpdir(), 'millrace-readme-'));
    try {
      await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
      await writeFile(join(folder, 'shop.proto'), proto);
      await writeFile(join(folder, 'main.ts'), `${example}\nexport {};\n`);
      await writeFile(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['main.ts'] }),
      );
      await run(process.execPath, [join(root, 'dist/cli/main.js'), 'gen', 'shop.proto', '--out', 'gen'], {
        cwd: folder,
      });
      await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd: folder });
      const { stdout } = await run(process.execPath, ['main.js'], { cwd: folder });
      expect(stdout).to.equal('12.5\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('shows commands that end well', async () => {
    const commands = (await blocks('sh'))
      .flatMap((block) => block.split('\n'))
      .map((line) => line.replace(/\s+#.*$/, ''))
      .filter((line) => line !== '');
    expect(commands).to.include.members(['npm start', 'npm test']);
    // The tests cannot run themselves.
    for (const command of commands.filter((each) => !/^npm (run )?test\b/.test(each))) {
      await run('bash', ['-c', command], { cwd: root });
    }
  });
});

const COMPILER_OPTIONS = {
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
};
