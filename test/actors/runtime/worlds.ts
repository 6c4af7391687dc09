import type { Placement } from '#src/actors/runtime/index.js';

/**
 * Which worlds tests are declared for. A hosted partition runs the same code on a thread as in a process, and a thread starts faster. So
 * `npm test` runs in processes only the tests to which those make a difference, declared with `everywhere`. Of the others,
 * test/slow/hosting/in-processes-*.test.ts run there those that start, end and lose partitions, and one of each kind of what partitions have
 * in common: names, rows, values, files, code.
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

/**
 * Declares the tests of files (`actors/runtime/names`, below test/) that `npm test` leaves out. What else these files declare is not run
 * again. Call it at the top of a test file that declares nothing.
 */
export async function declareInProcesses(...files: readonly string[]): Promise<void> {
  isRest = true;
  for (const file of files) await import(`../../${file}.test.js`);
  isRest = false;
  // An empty suite, which mocha drops: it is the way to the root.
  describe('in processes', function () {
    if (this.parent !== undefined) this.parent.suites = this.parent.suites.filter(isInProcesses);
  });
}

function isInProcesses({ title, suites }: Mocha.Suite): boolean {
  return title.endsWith(inProcesses) || suites.some(isInProcesses);
}
