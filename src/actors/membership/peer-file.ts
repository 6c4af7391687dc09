import { readFile, rename, writeFile } from 'node:fs/promises';
import { codeOf, isRecord, namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { pause, type Scheduler } from '../../scheduler/index.js';

const FORMAT = 'millrace-peers 1';
const HEADER = `{"format":"${FORMAT}"`;
/** Time between two writes, in ms. */
const WRITE_MS = 5_000;
/** More than that is no file of ours. */
const MOST_BYTES = 1024 * 1024;

/**
 * The addresses of members that this process has met, in a file: after a restart they are seeds. An address goes only when `networkPeers` others were met
 * later: the last process of a network, and one that was cut off, needs those that it does not see any more. The file is written aside and renamed, so that it is whole or as it
 * was before. A file that is none of ours, or of which a part is missing, is ignored with a warning; one of another program is never written to.
 */
export class PeerFile {
  readonly #path: string;
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  #isForeign = false;
  #addresses: readonly string[] = [];
  #written = '';
  #writing: Promise<void> | undefined;
  readonly #closing = new AbortController();
  #isAbandoned = false;

  constructor(path: string, scheduler: Scheduler, log: Logger) {
    this.#path = path;
    this.#scheduler = scheduler;
    this.#log = log;
  }

  /** The remembered addresses; none where there is no such file. */
  async read(): Promise<readonly string[]> {
    try {
      const bytes = await this.#scheduler.outside(readFile(this.#path));
      this.#addresses = this.#addressesIn(bytes);
      return this.#addresses;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#warn('cannot be read', namedMessageOf(error));
      return [];
    }
  }

  /** Of members that are there now. They are written soon, before those that were met earlier. */
  remember(living: readonly string[]): void {
    this.#addresses = [...new Set([...living, ...this.#addresses])].slice(0, limits.networkPeers);
    if (this.#isForeign || this.#closing.signal.aborted || this.#content() === this.#written) return;
    this.#writing ??= this.#write();
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  /** Writes nothing any more. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#closing.abort();
  }

  #addressesIn(bytes: Buffer): readonly string[] {
    const text = bytes.subarray(0, MOST_BYTES).toString('utf8');
    // A computer that has lost its power leaves files that are empty, cut off, or end in zeros.
    const isTorn = HEADER.startsWith(text.replace(/\0+$/, ''));
    if (!isTorn && !text.startsWith(HEADER)) {
      this.#isForeign = true;
      this.#warn('is none of Millrace, or of another version: nothing is remembered. Name another path', '');
      return [];
    }
    try {
      const content: unknown = JSON.parse(text);
      const listed = isRecord(content) && Array.isArray(content['addresses']) ? content['addresses'] : [];
      return listed.filter((each): each is string => typeof each === 'string').slice(0, limits.networkPeers);
    } catch (error) {
      this.#warn('is damaged: it is written anew', namedMessageOf(error));
      return [];
    }
  }

  #content(): string {
    return `${JSON.stringify({ format: FORMAT, addresses: this.#addresses })}\n`;
  }

  /** One write at a time, until the file has all. It always waits first. */
  async #write(): Promise<void> {
    do {
      await pause(this.#scheduler, WRITE_MS, this.#closing.signal);
    } while (!this.#isAbandoned && (await this.#replaced()) && this.#content() !== this.#written);
    this.#writing = undefined;
  }

  /** Returns whether the file could be written. */
  async #replaced(): Promise<boolean> {
    const content = this.#content();
    const aside = `${this.#path}.${process.pid}.new`;
    try {
      const replaced = writeFile(aside, content, { mode: 0o600, flush: true }).then(() => rename(aside, this.#path));
      await this.#scheduler.outside(replaced);
      this.#written = content;
      return true;
    } catch (error) {
      this.#warn('cannot be written', namedMessageOf(error));
      return false;
    }
  }

  #warn(fault: string, error: string): void {
    this.#log.warn(`the file of peers ${fault}`, { path: this.#path, ...(error !== '' && { error }) });
  }
}
