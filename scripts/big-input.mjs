// Runs the flights example on a generated input of 2 GB (or `--mb N`), in a process with a heap limit of 128 MB. Compares the result with
// counts that were taken while the input was written. Prints the duration and the peak memory of the process. Needs a build.
//
//     node scripts/big-input.mjs            about 2 GB in the temporary folder, removed at the end
//     node scripts/big-input.mjs --mb 100
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HEAP_MB = 128;
/** The heap limit plus Node itself, buffers in transit, and garbage that was not collected yet. */
const MAX_RSS_MB = 400;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { mb: { type: 'string', default: '2048' } } });
const bytes = Number(values.mb) * 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'millrace-big-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const input = join(folder, 'flights.json');
const expected = writeInput(input);
const { seconds, rssMb } = await run(input);
const found = JSON.parse(readFileSync(join(folder, 'flights.json.out', 'flights.json'), 'utf8'));
if (JSON.stringify(found) !== JSON.stringify(expected)) fail('the result differs from the expected one');
if (rssMb > MAX_RSS_MB) fail(`the process used ${rssMb} MB, more than ${MAX_RSS_MB} MB`);
const rate = (bytes / 1e6 / seconds).toFixed(0);
console.log(
  `${values.mb} MB, ${expected.flights} flights: result correct, ${seconds.toFixed(1)} s (${rate} MB/s), peak memory ${rssMb} MB`,
);

/** Writes an array of flights of about `bytes`. Returns the expected result of the example. */
function writeInput(path) {
  const file = openSync(path, 'w');
  const groups = { hour: new Map(), fromMiles: new Map() };
  let written = 0;
  let flights = 0;
  let state = 1;
  const below = (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const count = (groups, from, delay) => {
    const group = groups.get(from);
    if (group === undefined) groups.set(from, { count: 1, sum: delay });
    else {
      group.count++;
      group.sum += delay;
    }
  };
  while (written < bytes) {
    const rows = [];
    for (let row = 0; row < 10_000; row++, flights++) {
      const [delay, distance, minute] = [below(300) - 60, below(5_000), below(1_440)];
      count(groups.hour, Math.floor(minute / 60), delay);
      count(groups.fromMiles, Math.floor(distance / 250) * 250, delay);
      rows.push(`{"delay":${delay},"distance":${distance},"time":${minute / 60}}`);
    }
    written += writeSync(file, `${written === 0 ? '[' : ','}${rows.join(',')}`);
  }
  writeSync(file, ']');
  closeSync(file);
  const sorted = (name) =>
    [...groups[name]]
      .sort(([left], [right]) => left - right)
      .map(([from, { count, sum }]) => ({ [name]: from, count, meanDelayMinutes: sum / count }));
  return { flights, rejected: 0, byHour: sorted('hour'), byDistance: sorted('fromMiles') };
}

function run(path) {
  const program = ['--input', path, '--out', `${path}.out`, '--quiet'];
  const startedAt = performance.now();
  const command = [
    `--max-old-space-size=${HEAP_MB}`,
    join(root, 'dist/cli/main.js'),
    'run',
    join(root, 'examples/flights'),
  ];
  const child = spawn(process.execPath, [...command, '--', ...program], { stdio: 'inherit' });
  let rssMb = 0;
  const timer = setInterval(() => {
    rssMb = Math.max(rssMb, peakMb(child.pid));
  }, 50);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearInterval(timer);
      if (code !== 0) fail(`the run ended with exit code ${code}`);
      resolve({ seconds: (performance.now() - startedAt) / 1_000, rssMb });
    });
  });
}

/** Peak memory of the process so far, on Linux; 0 elsewhere. */
function peakMb(pid) {
  try {
    return Math.ceil(Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}

function fail(what) {
  console.error(`big-input: ${what}`);
  process.exit(1);
}
