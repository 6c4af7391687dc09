/** Starts a pipeline, shows its progress, and waits for its end. */
import type { Dashboard } from '../dashboard/index.js';
import { messageOf } from '../foreign.js';
import { ConfigError, MillraceError, type Pipeline, type PipelineRun } from '../index.js';
import type { Cluster } from './cluster.js';
import type { Interrupts } from './interrupts.js';
import { showProgress } from './progress.js';
import type { Ended } from './run-report.js';
import type { Scheduler, Timer } from '../scheduler/index.js';
import type { Screen } from './screen.js';
import type { Simulation } from './simulation.js';

/** Virtual time between two looks at the progress of a simulation, and without progress until it fails. */
const LOOK_MS = 30_000;
const PATIENCE_MS = 600_000;

export interface Following {
  readonly pipeline: Pipeline;
  readonly args: Readonly<Record<string, unknown>>;
  readonly instances: Readonly<Record<string, number>>;
  readonly isQuiet: boolean;
  /** Where the page of the run is served; undefined: nowhere. */
  readonly port: number | undefined;
  readonly cluster: Cluster;
  readonly simulation: Simulation | undefined;
  readonly screen: Screen;
  readonly interrupts: Interrupts;
}

/** Throws ConfigError if the pipeline was not started. */
export async function follow(following: Following): Promise<Ended> {
  const { pipeline, args, instances, cluster, simulation, interrupts, port, screen } = following;
  const { scheduler } = cluster.executor;
  let startedMs = scheduler.now();
  let run: PipelineRun | undefined;
  let error: MillraceError | undefined;
  let isInterrupted = false;
  let page: Dashboard | undefined;
  try {
    const runtime = await Promise.race([cluster.start(), interrupts.happened()]);
    if (runtime !== undefined && port !== undefined) {
      const { dashboard } = await import('../dashboard/index.js');
      page = await dashboard(runtime, { port });
      screen.say(`the page of this run is ${page.url}`);
    }
    startedMs = scheduler.now();
    run = runtime && (await runtime.run(pipeline, { args, instances }));
    isInterrupted = run === undefined || (await toItsEnd(run, following));
  } catch (cause) {
    if (!(cause instanceof MillraceError) || (cause instanceof ConfigError && run === undefined)) throw cause;
    error = cause;
  } finally {
    await page?.close();
  }
  const seconds = Number(((scheduler.now() - startedMs) / 1_000).toFixed(3));
  return { pipeline: pipeline.name, run, error, isInterrupted, seconds, simulation, cluster };
}

/** Resolves to whether an interrupt ended it; rejects as the run does. */
async function toItsEnd(run: PipelineRun, following: Following): Promise<boolean> {
  const { isQuiet, cluster, simulation, screen, interrupts } = following;
  cluster.armCrashes(({ text, node }) => screen.say(`node ${node} crashes (--crash ${text})`));
  interrupts.onFirst(() => {
    run.stop().catch((error: unknown) => screen.say(`The run could not be stopped in order: ${messageOf(error)}`));
  });
  const endProgress = isQuiet ? () => {} : showProgress(run, screen);
  const watch = simulation === undefined ? undefined : watchForStall(run, cluster.executor.scheduler);
  try {
    await (watch === undefined ? run.done : Promise.race([run.done, watch.stall]));
    return false;
  } catch (error) {
    if (interrupts.first !== undefined) return true;
    throw error;
  } finally {
    watch?.clear();
    endProgress();
  }
}

/**
 * Virtual time may go on for ever while no segment makes progress. `stall` rejects after ten minutes of it, and never resolves. `clear` ends
 * the watch.
 */
function watchForStall(
  run: PipelineRun,
  scheduler: Scheduler,
): { readonly stall: Promise<never>; readonly clear: () => void } {
  let timer: Timer | undefined;
  const stall = new Promise<never>((_, reject) => {
    let seen = '';
    let sinceMs = scheduler.now();
    const look = (): void => {
      const now = JSON.stringify([run.restarts, run.progress()]);
      if (now !== seen) [seen, sinceMs] = [now, scheduler.now()];
      if (scheduler.now() - sinceMs < PATIENCE_MS) timer = scheduler.setTimer(LOOK_MS, look);
      else reject(new MillraceError(STUCK));
    };
    look();
  });
  stall.catch(() => {});
  return { stall, clear: () => timer && scheduler.clearTimer(timer) };
}

const STUCK = `No segment has moved for ${PATIENCE_MS / 60_000} minutes of virtual time. Does a segment wait for real I/O without context.outside(...), or for something that never comes?`;
