/** `millrace sim`, from its options to its exit code. */
import { ConfigError } from '../index.js';
import { drawPlan, type Workload } from '../simulation/index.js';
import { ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { moduleUrl } from './module-url.js';
import { print, say } from './output.js';
import { Screen } from './screen.js';
import { Campaign } from './sim-campaign.js';
import { readPlan, type SimFlags } from './sim-options.js';
import { importWorkload, runPlan } from './sim-perform.js';
import { failureLines, replayPlan, type Tally, tallyLine, violationLines } from './sim-report.js';
import { TraceFile } from './trace-file.js';

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
    throw new ConfigError('--trace writes one run: give --seed or --plan, too.');
  if (isSingle && modules.length > 1) throw new ConfigError('--seed and --plan run one module; name one only.');
  const all: Simulated[] = [];
  for (const module of modules) {
    const url = moduleUrl(module);
    all.push({ module, url, workload: await importWorkload(url) });
  }
  const [first] = all;
  return isSingle && first !== undefined ? simulateOnce(first, flags) : simulateSeeds(all, flags, interrupts);
}

/** In this thread, so that breakpoints work. */
async function simulateOnce({ module, workload }: Simulated, flags: SimFlags): Promise<number> {
  const plan = flags.plan === undefined ? drawPlan(workload, flags.seed ?? 0) : readPlan(flags.plan);
  const trace = flags.trace === undefined ? undefined : new TraceFile(flags.trace);
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
  return failed > 0 ? ExitCode.failed : ExitCode.ok;
}

async function simulateSeeds(all: readonly Simulated[], flags: SimFlags, interrupts: Interrupts): Promise<number> {
  const screen = new Screen({ isStdoutTaken: flags.json === true });
  const summaries: object[] = [];
  let hasFailed = false;
  let running: Campaign | undefined;
  interrupts.begin((text) => screen.say(text));
  // Seeds that run are waited for.
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
