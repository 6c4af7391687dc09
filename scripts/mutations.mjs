// `npm run mutations`: puts deliberate faults into the runtime, one at a time, and has the workloads find each within a bounded number
// of seeds. What is mutated is the compiled file, in memory: neither src/ nor dist/ changes. Words on the command line choose mutations
// whose name holds them.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { coreWith } from './bundle.mjs';
import { mutated } from './mutations/edit.mjs';
import { mutations } from './mutations/list.mjs';

/** Unless a mutation says that it takes more. */
const SEEDS = 300;
const words = process.argv.slice(2);
const chosen = mutations.filter(({ name }) => words.every((word) => name.includes(word)));
const folder = mkdtempSync(join(tmpdir(), 'millrace-mutations-'));
const started = performance.now();
try {
  const survivors = await inTurn(
    chosen.map((mutation, index) => ({ ...mutation, path: join(folder, `${index}.mjs`) })),
  );
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  console.log(`mutations: ${chosen.length - survivors} of ${chosen.length} caught in ${seconds} s`);
  process.exitCode = survivors === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** As many side by side as there are processors; resolves to how many survive. */
async function inTurn(waiting) {
  let survivors = 0;
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (!(await isCaught(next))) survivors++;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return survivors;
}

async function isCaught(mutation) {
  const { name, file, path, workloads } = mutation;
  writeFileSync(path, await coreWith(file, mutated(mutation)));
  const startedMs = performance.now();
  const { workload, failing } = await simulate(mutation, path, workloads);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  if (failing === undefined) {
    console.log(
      `SURVIVES  ${name}: ${mutation.seeds ?? SEEDS} seeds of ${workloads.join(', ')} see nothing (${seconds} s)`,
    );
    return false;
  }
  const { invariant, message } = failing.violations[0];
  console.log(
    `caught    ${name}: ${workload}, seed ${failing.seed} (${seconds} s)\n          ${invariant}: ${message.split('\n')[0]}`,
  );
  return true;
}

/** The first seed that fails, of the first workload in which one does. */
async function simulate({ name, seeds = SEEDS }, path, workloads) {
  const env = {
    ...process.env,
    MILLRACE_MUTATED_URL: pathToFileURL(resolve('dist/core.js')).href,
    MILLRACE_MUTATED_FILE: path,
  };
  const modules = workloads.map((workload) => `build/test/simulation/workloads/${workload}.js`);
  const options = [
    '--seeds',
    `1..${seeds}`,
    '--jobs',
    '1',
    '--repeat',
    '0',
    '--no-shrink',
    '--patience',
    '20',
    '--quiet',
    '--json',
  ];
  const { code, stdout, stderr } = await run(
    ['--import', './scripts/mutations/preload.mjs', 'dist/cli/main.js', 'sim', ...modules, ...options],
    env,
  );
  if (code !== 0 && code !== 1)
    throw new Error(`With the mutation "${name}" the command ended with code ${code}: ${stderr}`);
  for (const { name: workload, failing } of JSON.parse(stdout).workloads) {
    if (failing.length > 0) return { workload, failing: failing[0] };
  }
  return { workload: undefined, failing: undefined };
}

function run(words, env) {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (texts.stdout += chunk));
    child.stderr.on('data', (chunk) => (texts.stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => done({ code, ...texts }));
  });
}
