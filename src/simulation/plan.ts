import { ConfigError } from '../errors.js';
import { messageOf } from '../foreign.js';

/** A node crashes. */
export interface Crash {
  readonly fault: 'crash';
  readonly node: string;
  readonly atMs: number;
  /** It restarts after this time. */
  readonly forMs: number;
}

/** A network partition between two groups of nodes. */
export interface Cut {
  readonly fault: 'cut';
  readonly between: readonly string[];
  readonly and: readonly string[];
  /** Only what `between` sends to `and` is cut. */
  readonly isOneWay?: boolean;
  readonly atMs: number;
  readonly forMs: number;
}

export type Fault = Crash | Cut;

/** Faults of the network, from the start of the run until all faults heal. */
export interface NetworkPlan {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  /** A link that is cut for this long ends. */
  readonly linkDeadMs: number;
}

/** Everything that determines one run of a workload: the same plan gives the same run. Plain data, so it can be shrunk and saved. */
export interface Plan {
  readonly seed: number;
  /** The amount of work and the number of nodes, by the size names of the workload. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly network: NetworkPlan;
  readonly faults: readonly Fault[];
}

/** Parses a plan from JSON. Throws ConfigError for anything else. */
export function parsePlan(text: string): Plan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`A plan must be JSON: ${messageOf(cause)}.`, { cause });
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
  const { fault, node, between, and, isOneWay = false, atMs, forMs } = given;
  const times = { atMs: number(`${where}.atMs`, atMs), forMs: number(`${where}.forMs`, forMs) };
  switch (fault) {
    case 'crash':
      return { fault, node: text(`${where}.node`, node), ...times };
    case 'cut':
      if (typeof isOneWay !== 'boolean') throw wrong(`${where}.isOneWay`, 'true or false', isOneWay);
      return {
        fault,
        between: texts(`${where}.between`, between),
        and: texts(`${where}.and`, and),
        ...(isOneWay && { isOneWay }),
        ...times,
      };
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
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw wrong(name, 'a number, 0 or more', value);
  return value;
}

function texts(name: string, value: unknown): readonly string[] {
  return list(name, value).map((each) => text(name, each));
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw wrong(name, 'a string', value);
  return value;
}

function wrong(name: string, what: string, value: unknown): ConfigError {
  return new ConfigError(`In a plan, ${name} must be ${what}; got ${JSON.stringify(value)}.`);
}
