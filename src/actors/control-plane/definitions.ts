import { ConfigError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { encode, v1 } from '../../protocol/index.js';

/** Owner of definitions whose process has ended while pipelines used them. */
const NOBODY = 0n;

interface Known {
  readonly definition: v1.PipelineDefinition;
  /** The process that has registered it last. */
  readonly pUid: bigint;
}

/**
 * Definitions of pipelines, by their hash. Each process may keep a bounded number that no pipeline uses: its oldest one goes for the next.
 * So a process cannot push out those of others.
 */
export class Definitions {
  readonly #known = new Map<string, Known>();
  readonly #byProcess = new Map<bigint, Set<string>>();
  readonly #isUsed: (hash: string) => boolean;

  /** `isUsed`: whether a pipeline that is known has the definition. */
  constructor(isUsed: (hash: string) => boolean) {
    this.#isUsed = isUsed;
  }

  /** Throws ProtocolError for a definition that is too large. */
  define(pUid: bigint, hash: string, definition: v1.PipelineDefinition): void {
    const { length } = encode(v1.PipelineDefinition, definition);
    if (length > limits.definitionBytes) {
      throw new ProtocolError(
        `The definition of pipeline "${definition.name}" has ${length} bytes; the limit is ${limits.definitionBytes}.`,
      );
    }
    const own = this.#put(pUid, hash, definition);
    if (own.size > limits.processDefinitions) this.#dropOldest(own, hash);
  }

  /** Throws ConfigError for an unknown hash. */
  get(hash: string): v1.PipelineDefinition {
    const known = this.#known.get(hash);
    if (known === undefined) {
      throw new ConfigError(`No pipeline definition has the hash ${hash}. Register it again.`);
    }
    return known.definition;
  }

  /** The process has ended. Definitions of pipelines stay until these are forgotten. */
  retire(pUid: bigint): void {
    for (const hash of this.#byProcess.get(pUid) ?? []) {
      if (this.#isUsed(hash)) this.#put(NOBODY, hash, this.get(hash));
      else this.#remove(hash);
    }
  }

  /** A pipeline with this definition was forgotten. */
  released(hash: string): void {
    if (this.#known.get(hash)?.pUid === NOBODY && !this.#isUsed(hash)) this.#remove(hash);
  }

  #put(pUid: bigint, hash: string, definition: v1.PipelineDefinition): ReadonlySet<string> {
    this.#remove(hash);
    this.#known.set(hash, { definition, pUid });
    const own = (this.#byProcess.get(pUid) ?? new Set()).add(hash);
    this.#byProcess.set(pUid, own);
    return own;
  }

  #dropOldest(own: ReadonlySet<string>, newest: string): void {
    for (const hash of own) {
      if (hash === newest || this.#isUsed(hash)) continue;
      this.#remove(hash);
      return;
    }
  }

  #remove(hash: string): void {
    const known = this.#known.get(hash);
    if (known === undefined) return;
    this.#known.delete(hash);
    const own = this.#byProcess.get(known.pUid);
    own?.delete(hash);
    if (own?.size === 0) this.#byProcess.delete(known.pUid);
  }
}
