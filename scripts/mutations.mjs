// `npm run mutations`: inserts deliberate bugs into the runtime, one at a time. The workloads must find each within a bounded number of
// seeds. It mutates the compiled file in memory: src/ and dist/ do not change. Words on the command line select the mutations whose name
// contains all of them.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { coreWith } from './bundle.mjs';
import { mutated } from './mutations/edit.mjs';
import { mutations } from './mutations/list.mjs';

/** Default number of seeds of a mutation. */
const SEEDS = 300;
const filters = process.argv.slice(2);
const chosen = mutations.filter(({ name }) => filters.every((filter) => name.includes(filter)));
const folder = mkdtempSync(join(tmpdir(), 'millrace-mutations-'));
const started = performance.now();
try {
  const survivors = await countSurvivors(
    chosen.map((mutation, index) => ({ ...mutation, path: join(folder, `${index}.mjs`) })),
  );
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  console.log(`mutations: ${chosen.length - survivors} of ${chosen.length} caught in ${seconds} s`);
  process.exitCode = survivors === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** Runs as many mutations in parallel as there are processors. Resolves to the number of survivors. */
async function countSurvivors(waiting) {
  let survivors = 0;
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (!(await isCaught(next))) survivors++;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
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
      `SURVIVES  ${name}: ${mutation.seeds ?? SEEDS} seeds of ${workloads.join(', ')} do not notice it (${seconds} s)`,
    );
    return false;
  }
  const { invariant, message } = failing.violations[0];
  console.log(
    `caught    ${name}: ${workload}, seed ${failing.seed} (${seconds} s)\n          ${invariant}: ${message.split('\n')[0]}`,
  );
  return true;
}

/** The first failing seed, of the first workload that has one. */
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
    throw new Error(`With the mutation "${name}" the command exited with code ${code}: ${stderr}`);
  for (const { name: workload, failing } of JSON.parse(stdout).workloads) {
    if (failing.length > 0) return { workload, failing: failing[0] };
  }
  return { workload: undefined, failing: undefined };
}

function run(args, env) {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (texts.stdout += chunk));
    child.stderr.on('data', (chunk) => (texts.stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => done({ code, ...texts }));
  });
}
