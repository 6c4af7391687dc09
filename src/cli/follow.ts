/** Starts a pipeline, shows how far it is, and follows it to its end. */
import { ConfigError, MillraceError, type Pipeline, type PipelineRun } from '../index.js';
import type { Cluster } from './cluster.js';
import type { Interrupts } from './interrupts.js';
import { showProgress } from './progress.js';
import type { Screen } from './screen.js';
import type { Simulation } from './simulation.js';
import { watchForStandstill } from './standstill.js';
import { type RunSummary, summarize } from './summary.js';

export interface Following {
  readonly pipeline: Pipeline;
  readonly args: Readonly<Record<string, unknown>>;
  readonly instances: Readonly<Record<string, number>>;
  readonly isQuiet: boolean;
  readonly cluster: Cluster;
  readonly simulation: Simulation | undefined;
  readonly screen: Screen;
  readonly interrupts: Interrupts;
}

/** Throws ConfigError where the pipeline was not started at all. */
export async function follow(following: Following): Promise<RunSummary> {
  const { pipeline, args, instances, cluster, simulation, interrupts } = following;
  const { scheduler } = cluster.executor;
  let startedMs = scheduler.now();
  let run: PipelineRun | undefined;
  let error: MillraceError | undefined;
  let isInterrupted = false;
  try {
    const runtime = await Promise.race([cluster.start(), interrupts.happened()]);
    startedMs = scheduler.now();
    run = runtime && (await runtime.run(pipeline, { args, instances }));
    isInterrupted = run === undefined || (await toItsEnd(run, following));
  } catch (cause) {
    if (!(cause instanceof MillraceError) || (cause instanceof ConfigError && run === undefined)) throw cause;
    error = cause;
  }
  const seconds = Number(((scheduler.now() - startedMs) / 1_000).toFixed(3));
  return summarize({ pipeline: pipeline.name, run, error, isInterrupted, seconds, simulation, cluster });
}

/** Resolves to whether an interrupt ended it; rejects as the run does. */
async function toItsEnd(run: PipelineRun, following: Following): Promise<boolean> {
  const { isQuiet, cluster, simulation, screen, interrupts } = following;
  cluster.armCrashes(({ text, node }) => screen.say(`node ${node} crashes (--crash ${text})`));
  interrupts.onFirst(() => {
    run.stop().catch((error: unknown) => screen.say(`The run could not be stopped in order: ${String(error)}`));
  });
  const endProgress = isQuiet ? () => {} : showProgress(run, screen);
  const watch = simulation === undefined ? undefined : watchForStandstill(run, cluster.executor.scheduler);
  try {
    await (watch === undefined ? run.done : Promise.race([run.done, watch.standstill]));
    return false;
  } catch (error) {
    if (interrupts.first !== undefined) return true;
    throw error;
  } finally {
    watch?.clear();
    endProgress();
  }
}
