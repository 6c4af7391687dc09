// `npm run sim`: runs every workload of test/simulation/workloads. Arguments after `--` go to `millrace sim`: npm run sim -- --seeds 1..10000
import { spawnSync } from 'node:child_process';
import { workloads } from './workloads.mjs';

const modules = workloads().map((name) => `build/test/simulation/workloads/${name}.js`);
const { status } = spawnSync(process.execPath, ['dist/cli/main.js', 'sim', ...modules, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
