/** The built-in loader of `millrace up`: the modules of a folder, again and again as the folder changes. */
import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ComponentLoader, FoundComponents } from '../actors/component/index.js';
import { namedMessageOf } from '../foreign.js';
import { ConfigError } from '../index.js';
import { folderOf } from './component-folder.js';
import { type ModuleExports, ownComponents } from './component-modules.js';
import { ModuleVersions, stagedOptions } from './module-versions.js';
import { LOCK_FILE } from './deploy-lock.js';
import { StagedFolder } from './staged-folder.js';

export interface FolderLoaderOptions {
  readonly folder: string;
  /** Copies of the folder go to a new folder in this one, of which nothing stays after `close`. */
  readonly stageIn: string;
  readonly say: (text: string) => void;
}

interface Known extends ModuleExports {
  /** The module and those that it imports. */
  readonly files: ReadonlySet<string>;
}

/** Time in ms between two looks at a lock, at the start; and how long it may be held then. */
const LOCK_LOOK_MS = 200;
const LOCK_PATIENCE_MS = 60_000;

export class FolderLoader implements ComponentLoader {
  readonly #folder: string;
  readonly #staged: StagedFolder;
  readonly #modules: ModuleVersions;
  readonly #known = new Map<string, Known>();
  /** Options of Node for the processes that run the containers. */
  readonly nodeOptions: readonly string[];
  #nextVersion = 1;
  #isFirst = true;

  constructor({ folder, stageIn, say }: FolderLoaderOptions) {
    // Node names modules by their real paths.
    this.#folder = realpathSync(folder);
    mkdirSync(stageIn, { recursive: true });
    const staged = { folder: this.#folder, root: mkdtempSync(join(stageIn, 'components-')) };
    this.#staged = new StagedFolder(staged, say);
    this.#modules = new ModuleVersions(staged);
    this.nodeOptions = stagedOptions(staged);
  }

  async look(): Promise<FoundComponents | undefined> {
    let found = this.#staged.look(this.#nextVersion);
    for (let waitedMs = 0; this.#isFirst && typeof found === 'string'; waitedMs += LOCK_LOOK_MS) {
      if (waitedMs >= LOCK_PATIENCE_MS) {
        const lock = join(this.#folder, LOCK_FILE);
        throw new ConfigError(
          `${this.#folder} could not be loaded for ${LOCK_PATIENCE_MS / 1_000} s: ${lock} is held, or it changes.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOCK_LOOK_MS));
      found = this.#staged.look(this.#nextVersion);
    }
    if (typeof found === 'string') return undefined;
    this.#isFirst = false;
    this.#nextVersion = this.#modules.next() + 1;
    return this.#load(found.changed);
  }

  close(): void {
    this.#staged.remove();
  }

  async #load(changed: ReadonlySet<string>): Promise<FoundComponents> {
    const place = folderOf(this.#staged.copy);
    const originalOf = (copy: string): string => join(this.#folder, relative(this.#staged.copy, copy));
    const copies = place.list();
    const listed = copies.map(originalOf);
    for (const file of this.#known.keys()) if (!listed.includes(file)) this.#known.delete(file);
    const problems: string[] = [];
    for (const file of listed) {
      const known = this.#known.get(file);
      if (known !== undefined && ![...known.files].some((each) => changed.has(each))) continue;
      const { files, result } = await this.#modules.load(file);
      if (!('error' in result)) this.#known.set(file, { ...result, files });
      else {
        const goesOn = known === undefined ? '' : ', and its last version goes on';
        problems.push(`${relative(this.#folder, file)} cannot be loaded${goesOn}: ${namedMessageOf(result.error)}`);
        // A change of what it imports has it loaded again.
        if (known !== undefined) this.#known.set(file, { ...known, files: new Set([...known.files, ...files]) });
      }
    }
    const components = [...this.#known].flatMap(([file, exported]) => ownComponents(file, exported, listed));
    const main = copies.find((copy) => place.isMain(copy));
    const program = main === undefined ? undefined : this.#known.get(originalOf(main))?.program;
    return { components, program, problems };
  }
}
