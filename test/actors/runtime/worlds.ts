import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Placement } from '#src/actors/runtime/index.js';

/**
 * Which worlds tests are declared for. A hosted partition runs the same code on a thread as in a process, and a thread starts faster. So
 * `npm test` runs in processes only the tests to which those make a difference, declared with `everywhere`. The others are run there by
 * test/slow/hosting/in-processes-*.test.ts.
 */
export const inProcesses = 'with partitions in processes';

/** Whether what is declared now is what `npm test` leaves out. */
let isRest = false;

/** Those of `kinds` that tests are declared for now. */
export function chosenPlacements<Kind extends { readonly placement: Placement }>(
  kinds: readonly Kind[],
  everywhere = false,
): readonly Kind[] {
  if (everywhere) return isRest ? [] : kinds;
  return kinds.filter(({ placement }) => (placement === 'process') === isRest);
}

const testFolder = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Declares the tests that `npm test` leaves out, of the test files whose paths below test/ `isMine` accepts (`actors/runtime/names.test.js`).
 * What else these files declare is not run again. Call it at the top of a test file that declares nothing.
 */
export async function declareInProcesses(isMine: (path: string) => boolean): Promise<void> {
  isRest = true;
  for (const path of readdirSync(testFolder, { encoding: 'utf8', recursive: true }).toSorted()) {
    if (path.endsWith('.test.js') && isMine(path) && hasWorlds(path)) await import(`../../${path}`);
  }
  isRest = false;
  // An empty suite, which mocha drops: it is the way to the root.
  describe('in processes', function () {
    if (this.parent !== undefined) this.parent.suites = this.parent.suites.filter(isInProcesses);
  });
}

function hasWorlds(path: string): boolean {
  return /\bdescribe(Runtime|Placements|Hosted|Hosting)\(/.test(readFileSync(join(testFolder, path), 'utf8'));
}

function isInProcesses({ title, suites }: Mocha.Suite): boolean {
  return title.endsWith(inProcesses) || suites.some(isInProcesses);
}
