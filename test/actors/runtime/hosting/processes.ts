import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Processes that a process has started and that are there still. */
export function childrenOf(pid: number): number[] {
  const lists = readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}/children`);
  const texts = lists.map((list) => (existsSync(list) ? readFileSync(list, 'utf8') : ''));
  return texts.flatMap((text) => text.split(' ').filter(Boolean).map(Number));
}

/** A process that has ended and was not waited for yet is there no more. */
export function isThere(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
