/** A simulation: virtual nodes on the pseudo-network, its faults, and the command that replays it. */
import { randomInt } from 'node:crypto';
import { ConfigError } from '../index.js';
import { quoted } from './program-args.js';
import type { Crash, RunFlags } from './run-options.js';

export interface Simulation {
  readonly seed: number;
  /** No seed was given. The chosen one is printed, so that the run can be repeated. */
  readonly isSeedChosen: boolean;
  readonly nodes: number;
  readonly latencyMs: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly crashes: readonly Crash[];
}

const LARGEST_SEED = 2 ** 32;

/** The simulation that the options ask for; undefined where none of them does, and the run is a real one. */
export function simulationOf(flags: RunFlags): Simulation | undefined {
  const { seed, nodes, latency, loss, duplicate, crash, trace } = flags;
  const asks = [seed, nodes, latency, loss, duplicate, trace].some((flag) => flag !== undefined) || crash.length > 0;
  if (!asks) return undefined;
  const simulation = {
    seed: seed ?? randomInt(LARGEST_SEED),
    isSeedChosen: seed === undefined,
    nodes: nodes ?? 1,
    latencyMs: latency ?? 1,
    loss: loss ?? 0,
    duplicate: duplicate ?? 0,
    crashes: crash,
  };
  const missing = crash.find(({ node }) => node >= simulation.nodes);
  if (missing !== undefined) {
    const last = simulation.nodes - 1;
    throw new ConfigError(
      `--crash ${missing.text}: there is no node ${missing.node}; --nodes ${simulation.nodes} has node 0${last > 0 ? ` to ${last}` : ''}.`,
    );
  }
  return simulation;
}

export interface Replayed {
  readonly module: string;
  readonly flags: RunFlags;
  readonly simulation: Simulation;
  /** Of each process. */
  readonly partitions: number;
  readonly program: readonly string[];
}

/** The command that repeats a simulation. */
export function replayCommand({ module, flags, simulation, partitions, program }: Replayed): string {
  const words = ['millrace', 'run', module, '--seed', String(simulation.seed)];
  const add = (name: string, value: number | string | undefined): void => {
    if (value !== undefined) words.push(name, String(value));
  };
  add('--nodes', flags.nodes);
  // The default differs from machine to machine.
  add('--partitions', partitions);
  for (const [segment, count] of Object.entries(flags.instances)) add('--instances', `${segment}=${count}`);
  add('--latency', flags.latency);
  add('--loss', flags.loss);
  add('--duplicate', flags.duplicate);
  for (const { text } of simulation.crashes) add('--crash', text);
  return [...words, ...(program.length === 0 ? [] : ['--', ...program])].map(quoted).join(' ');
}
