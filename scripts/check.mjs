// `npm run check`: format, lint, types, the dependency rule and the report of the API, in seconds. Prints one line per check, and the full output of those that
// failed. `--fix` formats and repairs first.
import { spawn, spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const biome = 'node_modules/@biomejs/biome/bin/biome';
const oxlint = 'node_modules/oxlint/bin/oxlint';

if (process.argv.includes('--fix')) {
  spawnSync(process.execPath, [biome, 'format', '--write', '.'], { cwd: root, stdio: 'inherit' });
  spawnSync(process.execPath, [oxlint, '--type-aware', '--fix'], { cwd: root, stdio: 'inherit' });
}

// The build is the type check. It comes first, because the type-aware lint rules and the tests need its declarations.
const results = [await step('types', 'scripts/build.mjs')];
results.push(
  ...(await Promise.all([
    step('format', biome, 'format', '.'),
    step('lint', oxlint, '--type-aware', '--deny-warnings'),
    step('dependencies', 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs', 'src'),
    step('api', 'scripts/api.mjs', '--check'),
  ])),
);
process.exit(results.every(Boolean) ? 0 : 1);

/** Runs a Node program. Resolves to whether it succeeded. The output of parallel programs is not mixed. */
function step(name, program, ...args) {
  const startedAt = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => chunks.push(Buffer.from(`${error.message}\n`)));
    child.on('close', (code) => {
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
      if (code !== 0) process.stdout.write(Buffer.concat(chunks));
      console.log(`check: ${name} ${code === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
      resolve(code === 0);
    });
  });
}
