import { readdirSync } from 'node:fs';

/** Names of the workloads: the modules directly in their folder. */
export function workloads() {
  return readdirSync('test/simulation/workloads')
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();
}
