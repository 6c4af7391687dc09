import { ConfigError } from '../errors.js';
import { messageOf } from '../foreign.js';

/** A node ends at once. */
export interface Crash {
  readonly fault: 'crash';
  readonly node: string;
  readonly atMs: number;
  /** Then it is started again. */
  readonly forMs: number;
}

/** Nothing passes between these nodes and those. */
export interface Cut {
  readonly fault: 'cut';
  readonly between: readonly string[];
  readonly and: readonly string[];
  readonly atMs: number;
  readonly forMs: number;
}

export type Fault = Crash | Cut;

/** How frames fare, for the whole run until faults heal. */
export interface NetworkPlan {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  /** Silence after which a cut link is dead. */
  readonly linkDeadMs: number;
}

/** Everything that one run of a workload depends on: the same plan gives the same run. Data, so that it can be shrunk and kept. */
export interface Plan {
  readonly seed: number;
  /** How much work there is, and how many nodes do it: sizes that the workload names. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly network: NetworkPlan;
  readonly faults: readonly Fault[];
}

/** The plan that `JSON.stringify` wrote. ConfigError for anything else. */
export function parsePlan(text: string): Plan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`A plan is JSON: ${messageOf(cause)}.`, { cause });
  }
  const { seed, sizes, network, faults } = record('a plan', value);
  return {
    seed: number('seed', seed),
    sizes: Object.fromEntries(
      Object.entries(record('sizes', sizes)).map(([name, size]) => [name, number(`sizes.${name}`, size)]),
    ),
    network: networkFrom(record('network', network)),
    faults: list('faults', faults).map((fault, index) =>
      faultFrom(`faults[${index}]`, record(`faults[${index}]`, fault)),
    ),
  };
}

function networkFrom(given: Readonly<Record<string, unknown>>): NetworkPlan {
  const value = (name: keyof NetworkPlan): number => number(`network.${name}`, given[name]);
  return {
    latencyMs: value('latencyMs'),
    jitterMs: value('jitterMs'),
    loss: value('loss'),
    duplicate: value('duplicate'),
    reorder: value('reorder'),
    linkDeadMs: value('linkDeadMs'),
  };
}

function faultFrom(where: string, given: Readonly<Record<string, unknown>>): Fault {
  const { fault, node, between, and, atMs, forMs } = given;
  const times = { atMs: number(`${where}.atMs`, atMs), forMs: number(`${where}.forMs`, forMs) };
  switch (fault) {
    case 'crash':
      return { fault, node: text(`${where}.node`, node), ...times };
    case 'cut':
      return { fault, between: texts(`${where}.between`, between), and: texts(`${where}.and`, and), ...times };
    default:
      throw wrong(`${where}.fault`, '"crash" or "cut"', fault);
  }
}

function record(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'an object', value);
  return { ...value };
}

function list(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(name, 'a list', value);
  return value;
}

function number(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw wrong(name, 'a number from 0', value);
  return value;
}

function texts(name: string, value: unknown): readonly string[] {
  return list(name, value).map((each) => text(name, each));
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw wrong(name, 'a text', value);
  return value;
}

function wrong(name: string, what: string, value: unknown): ConfigError {
  return new ConfigError(`In a plan, ${name} is ${what}; got ${JSON.stringify(value)}.`);
}
