import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Placement } from '#src/actors/runtime/index.js';

/**
 * Which worlds tests are declared for. A hosted partition runs the same code on a thread as in a process, and a thread starts faster. So
 * `npm test` runs in processes only the tests to which those make a difference, declared with `everywhere`. Of the others,
 * test/slow/hosting/in-processes-*.test.ts run there those that start, end and lose partitions, and one of each kind of what partitions have
 * in common: names, rows, values, files, code. With WORLDS=all they run all others.
 */
export const inProcesses = 'with partitions in processes';

/** Test files, below test/, of which `npm run test:slow` runs in processes what `npm test` leaves out. */
export const IN_PROCESSES = {
  actors: [
    'actors/component/plugins',
    'actors/component/replace',
    'actors/persistence/placed',
    'actors/runtime/groups/groups',
    'actors/runtime/large-elements',
    'actors/runtime/pipelines',
    'actors/runtime/placing/lost',
    'actors/runtime/values',
    'examples/tiles',
  ],
  hosting: ['actors/runtime/hosting/flow', 'actors/runtime/hosting/forced-stop', 'actors/runtime/hosting/life'],
} as const;

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

/** The test files outside test/slow that declare tests for several worlds, as in IN_PROCESSES. */
export function filesOfWorlds(): readonly string[] {
  return readdirSync(testFolder, { encoding: 'utf8', recursive: true })
    .filter((path) => path.endsWith(ENDING) && !path.startsWith('slow/') && hasWorlds(path))
    .map((path) => path.slice(0, -ENDING.length))
    .toSorted();
}

const ENDING = '.test.js';

function hasWorlds(path: string): boolean {
  return /\bdescribe(Runtime|Placements|Hosted|Hosting)\(/.test(readFileSync(join(testFolder, path), 'utf8'));
}

/** With WORLDS=all: declares the tests of all files that are not in IN_PROCESSES. Otherwise nothing. */
export async function declareOthersInProcesses(): Promise<void> {
  if (process.env['WORLDS'] !== 'all') return;
  const listed: ReadonlySet<string> = new Set(Object.values(IN_PROCESSES).flat());
  await declareRest(filesOfWorlds().filter((file) => !listed.has(file)));
}

/**
 * Declares the tests of files (`actors/runtime/names`, below test/) that `npm test` leaves out. What else these files declare is not run
 * again. Rejects where a file leaves nothing out. Call it at the top of a test file that declares nothing.
 */
export async function declareInProcesses(files: readonly string[]): Promise<void> {
  const empty = await declareRest(files);
  if (empty.length > 0) {
    throw new Error(
      `These files have no tests that run in processes only here: take them off IN_PROCESSES: ${empty.join(', ')}`,
    );
  }
}

/** Returns the files that have no such tests. */
async function declareRest(files: readonly string[]): Promise<readonly string[]> {
  const root = rootSuite();
  const others = [...root.suites];
  // In one process with them, a file is loaded once.
  const isLoaded = (file: string): boolean => others.some((suite) => suite.file?.endsWith(`/${file}${ENDING}`));
  const empty: string[] = [];
  isRest = true;
  for (const file of files) {
    root.suites = [];
    await import(`../../${file}${ENDING}`);
    const declared = root.suites.filter(isInProcesses);
    if (declared.length === 0 && !isLoaded(file)) empty.push(file);
    others.push(...declared);
  }
  isRest = false;
  root.suites = others;
  return empty;
}

function rootSuite(): Mocha.Suite {
  let root: Mocha.Suite | undefined;
  // An empty suite, which mocha drops.
  describe('in processes', function () {
    root = this.parent;
  });
  if (root === undefined) throw new Error('It has to be called at the top of a test file.');
  root.suites.pop();
  return root;
}

function isInProcesses({ title, suites }: Mocha.Suite): boolean {
  return title.endsWith(inProcesses) || suites.some(isInProcesses);
}
