/** What the options of `millrace sim` accept; anything else is refused before the module is loaded. */
import { existsSync, readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { ConfigError } from '../index.js';
import { type Plan, parsePlan } from '../simulation/index.js';

export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

/** As commander makes them of the command line. */
export interface SimFlags {
  readonly seeds: SeedRange;
  readonly seed?: number;
  readonly plan?: string;
  readonly jobs?: number;
  readonly repeat: number;
  /** In seconds. */
  readonly patience: number;
  readonly keepGoing?: boolean;
  readonly shrink: boolean;
  readonly trace?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function seedRange(text: string): SeedRange {
  const match = /^(\d+)\.\.(\d+)$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || to < from || to > 2 ** 32) {
    throw new InvalidArgumentError('It is FROM..TO, two whole numbers from 0 to 4294967296: 1..1000.');
  }
  return { from, to };
}

/** The plan itself, or a file that holds it. Throws ConfigError. */
export function readPlan(given: string): Plan {
  if (given.trimStart().startsWith('{')) return parsePlan(given);
  if (!existsSync(given))
    throw new ConfigError(`--plan is a plan as JSON, or a file that holds one; there is no ${given}.`);
  return parsePlan(readFileSync(given, 'utf8'));
}
