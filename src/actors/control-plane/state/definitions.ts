import { ConfigError, ProtocolError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { PersistentMap } from '../../../persistent-map.js';
import { encode, v1 } from '../../../protocol/index.js';

/** Owner of definitions whose process has ended while pipelines used them. */
const NOBODY = 0n;

interface Known {
  readonly definition: v1.PipelineDefinition;
  /** The process that has registered it last. */
  readonly pUid: bigint;
  /** Grows with each registration. */
  readonly sequence: number;
}

export interface DefinitionsState {
  /** By hash. */
  readonly known: PersistentMap<string, Known>;
  /** Hashes by sequence, the oldest first. */
  readonly byProcess: PersistentMap<bigint, PersistentMap<number, string>>;
  readonly count: number;
}

export const NO_DEFINITIONS: DefinitionsState = {
  known: PersistentMap.empty(),
  byProcess: PersistentMap.empty(),
  count: 0,
};

/**
 * Definitions of pipelines, by their hash. Each process may keep a bounded number that no pipeline uses: its oldest one goes for the next.
 * So a process cannot push out those of others.
 */
export class Definitions {
  #state: DefinitionsState;
  readonly #isUsed: (hash: string) => boolean;

  /** `isUsed`: whether a pipeline that is known has the definition. */
  constructor(state: DefinitionsState, isUsed: (hash: string) => boolean) {
    this.#state = state;
    this.#isUsed = isUsed;
  }

  get state(): DefinitionsState {
    return this.#state;
  }

  /** Throws ProtocolError for a definition that is too large. */
  define(pUid: bigint, hash: string, definition: v1.PipelineDefinition): void {
    const { length } = encode(v1.PipelineDefinition, definition);
    if (length > limits.definitionBytes) {
      throw new ProtocolError(
        `The definition of pipeline "${definition.name}" has ${length} bytes; the limit is ${limits.definitionBytes}.`,
      );
    }
    this.#put(pUid, hash, definition);
    if (this.#of(pUid).size > limits.processDefinitions) this.#dropOldest(pUid, hash);
  }

  /** Throws ConfigError for an unknown hash. */
  get(hash: string): v1.PipelineDefinition {
    const known = this.#state.known.get(hash);
    if (known === undefined) {
      throw new ConfigError(`No pipeline definition has the hash ${hash}. Register it again.`);
    }
    return known.definition;
  }

  /** The process has ended. Definitions of pipelines stay until these are forgotten. */
  retire(pUid: bigint): void {
    for (const hash of this.#of(pUid).values()) {
      if (this.#isUsed(hash)) this.#put(NOBODY, hash, this.get(hash));
      else this.#remove(hash);
    }
  }

  /** A pipeline with this definition was forgotten. */
  released(hash: string): void {
    if (this.#state.known.get(hash)?.pUid === NOBODY && !this.#isUsed(hash)) this.#remove(hash);
  }

  #put(pUid: bigint, hash: string, definition: v1.PipelineDefinition): void {
    this.#remove(hash);
    const { known, byProcess, count: sequence } = this.#state;
    this.#state = {
      known: known.with(hash, { definition, pUid, sequence }),
      byProcess: byProcess.with(pUid, this.#of(pUid).with(sequence, hash)),
      count: sequence + 1,
    };
  }

  #dropOldest(pUid: bigint, newest: string): void {
    for (const hash of this.#of(pUid).values()) {
      if (hash === newest || this.#isUsed(hash)) continue;
      this.#remove(hash);
      return;
    }
  }

  #remove(hash: string): void {
    const { known, byProcess, count } = this.#state;
    const definition = known.get(hash);
    if (definition === undefined) return;
    const { pUid, sequence } = definition;
    const own = this.#of(pUid).without(sequence);
    this.#state = {
      known: known.without(hash),
      byProcess: own.size === 0 ? byProcess.without(pUid) : byProcess.with(pUid, own),
      count,
    };
  }

  #of(pUid: bigint): PersistentMap<number, string> {
    return this.#state.byProcess.get(pUid) ?? PersistentMap.empty();
  }
}
