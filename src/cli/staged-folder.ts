/** Copies of a folder of components, one for each version: what a node runs does not change when the folder does. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { codeOf } from '../foreign.js';
import { LOCK_FILE, lockState } from './deploy-lock.js';
import type { Staged } from './version-hooks.js';

/** Who has one changes it last, and nothing is loaded before. */
export const MARKER_FILE = '.millrace-version';

export interface StagedVersion {
  /** Paths in the folder of the files that the version has and the one before has not, or has otherwise; and the other way round. */
  readonly changed: ReadonlySet<string>;
}

/** What a look at the folder finds: a new version; nothing; or why there is none yet. */
export type Look = 'nothing' | 'locked' | 'unsettled' | StagedVersion;

export class StagedFolder {
  readonly #staged: Staged;
  readonly #say: (text: string) => void;
  /** Of the version that was taken last, and of the look before this one. */
  #taken: string | undefined;
  #seen: string | undefined;
  #version = 0;
  #hasSaid = false;

  constructor(staged: Staged, say: (text: string) => void) {
    this.#staged = staged;
    this.#say = say;
  }

  /**
   * Copies the folder as version `next` where it has changed and may be loaded: nobody holds the lock; where there is a marker, that has changed; and without one, the folder was the
   * same at the last look. The first look waits for nothing but the lock.
   */
  look(next: number): Look {
    const { folder, root } = this.#staged;
    if (this.#isLocked()) return 'locked';
    const before = signatureOf(folder);
    const isSettled = this.#taken === undefined || before.hasMarker || before.text === this.#seen;
    this.#seen = before.text;
    if (before.text === this.#taken) return 'nothing';
    if (!isSettled) return 'unsettled';
    const copy = join(root, String(next));
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy, { recursive: true });
    try {
      cpSync(folder, copy, { recursive: true, dereference: true, filter: (path) => isTaken(relative(folder, path)) });
    } catch (error) {
      // A file was removed meanwhile.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    if (this.#isLocked() || signatureOf(folder).text !== before.text) return 'unsettled';
    const changed = differing(folder, copy, this.#version === 0 ? undefined : join(root, String(this.#version)));
    this.#taken = before.text;
    this.#version = next;
    return { changed };
  }

  /** The copy of the last version. */
  get copy(): string {
    return join(this.#staged.root, String(this.#version));
  }

  remove(): void {
    rmSync(this.#staged.root, { recursive: true, force: true });
  }

  #isLocked(): boolean {
    const { folder } = this.#staged;
    const state = lockState(folder);
    if (state === 'none') this.#hasSaid = false;
    else if (!this.#hasSaid) {
      this.#hasSaid = true;
      const path = join(folder, LOCK_FILE);
      this.#say(
        state === 'held'
          ? `${path} is there: nothing of the folder is loaded until it is gone`
          : `${path} was left by a process that has ended, and counts for nothing`,
      );
    }
    return state === 'held';
  }
}

/** What says whether a folder has changed. With a marker it is that alone. */
function signatureOf(folder: string): { readonly text: string; readonly hasMarker: boolean } {
  const marker = contentOf(join(folder, MARKER_FILE));
  if (marker !== undefined) return { text: marker.toString('latin1'), hasMarker: true };
  const lines = filesOf(folder).map((name) => {
    const { size, mtimeMs, ino } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? {};
    return `${name} ${size} ${mtimeMs} ${ino}`;
  });
  return { text: lines.join('\n'), hasMarker: false };
}

function differing(folder: string, copy: string, before: string | undefined): ReadonlySet<string> {
  const names = new Set([...filesOf(copy), ...(before === undefined ? [] : filesOf(before))]);
  const changed = [...names].filter((name) => {
    const old = before === undefined ? undefined : contentOf(join(before, name));
    const found = contentOf(join(copy, name));
    return old === undefined || found === undefined || !old.equals(found);
  });
  return new Set(changed.map((name) => join(folder, name)));
}

/** Names of all files below a folder. */
function filesOf(folder: string): readonly string[] {
  const found = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => !entry.isDirectory());
  return found
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .filter(isTaken)
    .sort();
}

/** Neither packages nor what is hidden. */
function isTaken(name: string): boolean {
  return name.split(sep).every((part) => part !== 'node_modules' && !/^\.(?!\.?$)./.test(part));
}

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
