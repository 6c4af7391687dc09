/** `millrace sim`, from its options to its exit code. */
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../index.js';
import { limits } from '../limits.js';
import { readNamedText } from '../named-file.js';
import { drawPlan, parsePlan, type Plan, type Violation, type Workload } from '../simulation/index.js';
import { assertDistinct } from './distinct-files.js';
import { ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { moduleUrl } from './packages.js';
import { print, say } from './output.js';
import { quoted } from './program-args.js';
import { Screen } from './screen.js';
import { Campaign, type Failing } from './sim-campaign.js';
import type { SimFlags } from './sim.js';
import { importWorkload, runPlan } from './sim-perform.js';
import { TraceFile } from './trace-file.js';

/** Violations of one run that are printed. The others mostly follow from these. */
const PRINTED_VIOLATIONS = 3;
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const LIVE_MS = 200;
const PLAIN_MS = 10_000;

interface Simulated {
  readonly module: string;
  readonly url: string;
  readonly workload: Workload;
}

/** Resolves to the exit code. Throws ConfigError before anything starts when an option or a module is wrong. */
export async function simulateModules(
  modules: readonly string[],
  flags: SimFlags,
  interrupts: Interrupts,
): Promise<number> {
  const isSingle = flags.seed !== undefined || flags.plan !== undefined;
  if (flags.trace !== undefined && !isSingle)
    throw new ConfigError('--trace writes the trace of one run: give --seed or --plan, too.');
  if (isSingle && modules.length > 1) throw new ConfigError('--seed and --plan run one module: name only one.');
  const all: Simulated[] = [];
  for (const module of modules) {
    const url = moduleUrl(module);
    all.push({ module, url, workload: await importWorkload(url) });
  }
  const [first] = all;
  return isSingle && first !== undefined ? simulateOnce(first, flags) : simulateSeeds(all, flags, interrupts);
}

/** Runs on the main thread, so that breakpoints work. */
async function simulateOnce({ module, url, workload }: Simulated, flags: SimFlags): Promise<number> {
  assertDistinct(
    [{ name: '--trace', path: flags.trace }],
    [
      { name: 'the module', path: fileURLToPath(url) },
      { name: '--plan', path: flags.plan },
    ],
  );
  const plan = flags.plan === undefined ? drawPlan(workload, flags.seed ?? 0) : readPlan(flags.plan);
  const trace = flags.trace === undefined ? undefined : new TraceFile(flags.trace, ({ message }) => say(message));
  const startedMs = performance.now();
  const { violations, messages } = await runPlan(workload, plan, { isRepeated: false, trace: trace?.write });
  trace?.close();
  const failed = violations.length === 0 ? 0 : 1;
  const seconds = (performance.now() - startedMs) / 1_000;
  if (failed > 0) {
    say(`${workload.name}: seed ${plan.seed} fails`);
    violationLines(violations).forEach(say);
    say(`  replay it with: ${replayPlan(module, plan)}`);
  } else if (flags.quiet !== true) {
    say(tallyLine({ name: workload.name, passed: 1, failed, messages, seconds }));
  }
  if (flags.json === true) print(JSON.stringify({ workload: workload.name, seed: plan.seed, plan, violations }));
  return failed > 0 || trace?.failure !== undefined ? ExitCode.failed : ExitCode.ok;
}

async function simulateSeeds(all: readonly Simulated[], flags: SimFlags, interrupts: Interrupts): Promise<number> {
  const screen = new Screen({ isStdoutTaken: flags.json === true });
  const summaries: object[] = [];
  let hasFailed = false;
  let running: Campaign | undefined;
  interrupts.begin((text) => screen.say(text));
  // The seeds that are running end first.
  interrupts.onFirst(() => running?.stop());
  try {
    for (const { module, url, workload } of all) {
      if (interrupts.first !== undefined) break;
      const campaign = new Campaign(workload, url, flags);
      running = campaign;
      const startedMs = performance.now();
      const tally = (): Tally => ({
        name: workload.name,
        passed: campaign.passed,
        failed: campaign.failing.length,
        messages: campaign.messages,
        seconds: (performance.now() - startedMs) / 1_000,
      });
      const endProgress = flags.quiet === true ? () => {} : showTally(screen, tally, campaign.total);
      await campaign.run((failing) => {
        for (const line of failureLines(workload.name, module, failing)) screen.say(line);
      });
      endProgress();
      if (flags.quiet !== true) screen.say(tallyLine(tally()));
      hasFailed ||= campaign.failing.length > 0;
      summaries.push({ ...tally(), failing: campaign.failing });
    }
  } finally {
    interrupts.end();
    screen.close();
  }
  if (flags.json === true) print(JSON.stringify({ workloads: summaries }));
  if (hasFailed) return ExitCode.failed;
  return interrupts.first?.exitCode ?? ExitCode.ok;
}

function showTally(screen: Screen, tally: () => Tally, total: number): () => void {
  const timer = setInterval(
    () => {
      const line = `${tallyLine(tally())}, of ${total}`;
      if (screen.isLive) screen.show([line]);
      else screen.say(line);
    },
    screen.isLive ? LIVE_MS : PLAIN_MS,
  );
  return () => {
    clearInterval(timer);
    if (screen.isLive) screen.show([]);
  };
}

/** The plan itself, or a file that holds it. Throws ConfigError. */
function readPlan(given: string): Plan {
  if (given.trimStart().startsWith('{')) return parsePlan(given);
  const text = readNamedText({
    what: '--plan is a plan as JSON, or a file that holds one:',
    path: given,
    maxBytes: limits.planFileBytes,
  });
  return parsePlan(text);
}

/** The command that runs a plan again. */
function replayPlan(module: string, plan: Plan): string {
  return ['millrace', 'sim', module, '--plan', JSON.stringify(plan)].map(quoted).join(' ');
}

function failureLines(name: string, module: string, { seed, violations, plan, shrunk }: Failing): string[] {
  const smallest = shrunk ?? { plan, violations };
  return [
    `${name}: seed ${seed} fails`,
    ...violationLines(shrunk?.violations.length ? shrunk.violations : violations),
    ...(shrunk === undefined ? [] : [`  shrunk in ${shrunk.runs} runs from ${sizeOf(plan)} to ${sizeOf(shrunk.plan)}`]),
    `  replay it with: ${replayPlan(module, smallest.plan)}`,
  ];
}

function violationLines(violations: readonly Violation[]): string[] {
  return violations
    .slice(0, PRINTED_VIOLATIONS)
    .map(({ invariant, message, atMs }) => `  ${invariant}, at ${atMs.toFixed(3)} ms: ${message}`);
}

interface Tally {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly messages: number;
  readonly seconds: number;
}

function tallyLine({ name, passed, failed, messages, seconds }: Tally): string {
  const failures = failed === 0 ? '' : `, ${whole.format(failed)} failed`;
  const rate = seconds > 0 ? ` (${whole.format((passed + failed) / seconds)}/s)` : '';
  return `${name}: ${whole.format(passed)} seeds passed${failures} in ${seconds.toFixed(1)} s${rate}, ${whole.format(messages)} messages`;
}

function sizeOf({ sizes, faults }: Plan): string {
  const counts = Object.entries(sizes).map(([name, size]) => `${size} ${name}`);
  return [...counts, `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`].join(', ');
}
