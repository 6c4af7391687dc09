import { v1 } from '../../protocol/index.js';

/** A step of bring-up or teardown. */
export interface StepInfo {
  readonly step: v1.Step;
  /** In logs, traces, and MILLRACE_FAULT. */
  readonly name: string;
  /** What is waited for, as a clause. */
  readonly waitsFor: string;
  /** Time in ms until what has not answered counts as failed. */
  readonly patienceMs: number;
}

const START_MS = 60_000;
const ANSWER_MS = 15_000;

/** All steps, in their order. One node is the case n = 1. */
export const steps: readonly StepInfo[] = [
  info(v1.Step.BACKENDS, 'backends', 'each host to start its backend', START_MS),
  info(v1.Step.NODE_INDICES, 'node-indices', 'each backend to take its index', ANSWER_MS),
  info(v1.Step.CHANNELS, 'channels', 'the shepherd, pools and logging channel of each node', ANSWER_MS),
  info(v1.Step.TRANSPORTS, 'transports', 'the transport service of each node', ANSWER_MS),
  info(v1.Step.GLOBAL_SERVICES, 'global-services', 'the primary node to start global services', START_MS),
  info(v1.Step.WELCOME, 'welcome', 'each node to hear where global services are', ANSWER_MS),
  info(v1.Step.WORKERS, 'workers', 'a worker on each node', START_MS),
  info(v1.Step.HEAD, 'head', 'the head program to start', START_MS),
  info(v1.Step.HALT_APPLICATION, 'halt-application', 'the processes of the application to end', START_MS),
  info(v1.Step.HALT_GLOBAL_SERVICES, 'halt-global-services', 'global services to end', ANSWER_MS),
  info(v1.Step.HALT_TRANSPORTS, 'halt-transports', 'the transport service of each node to end', ANSWER_MS),
  info(v1.Step.HALT_SHEPHERDS, 'halt-shepherds', 'the shepherd of each node to end', ANSWER_MS),
  info(v1.Step.HALT_BACKENDS, 'halt-backends', 'each backend to end', ANSWER_MS),
  info(v1.Step.HALT_LAUNCHER, 'halt-launcher', 'the launcher to close its links', ANSWER_MS),
];

const byStep = new Map(steps.map((each) => [each.step, each]));

/** What is known of a step; of one that is unknown here, its number. */
export function stepInfo(step: v1.Step): StepInfo {
  return byStep.get(step) ?? info(step, `step-${step}`, 'an unknown step', ANSWER_MS);
}

function info(step: v1.Step, name: string, waitsFor: string, patienceMs: number): StepInfo {
  return { step, name, waitsFor, patienceMs };
}
