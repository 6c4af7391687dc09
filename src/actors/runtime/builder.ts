import type { Codable } from '../../descriptors/index.js';
import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type MessageType, v1 } from '../../protocol/index.js';
import { checkPolicy } from '../pubsub/index.js';
import { encodeArgs } from './args.js';
import { withDefaults } from './declared-args.js';
import type { Output, Pipeline, PipelineBuilder, SegmentContext, SegmentOptions } from './pipeline.js';

type AnyType = MessageType<unknown, unknown>;
type AnyPort = Pick<PortCode, 'name' | 'type'>;

/** The code of a source, segment, or sink. */
export interface SegmentCode {
  readonly name: string;
  readonly ingress: string | undefined;
  readonly egress: string | undefined;
  run(input: AsyncIterable<unknown>, output: Output<unknown>, context: SegmentContext): Promise<void> | void;
}

export interface PortCode {
  readonly name: string;
  /** What passes: messages of a type, or values of a codable. */
  readonly type: AnyType | Codable<unknown>;
  readonly key: ((value: unknown) => string | number | bigint) | undefined;
}

/** The result of a declaring function: the definition, which is sent to other partitions, and the code, which is not. */
export interface Declared {
  readonly definition: v1.PipelineDefinition;
  readonly segments: ReadonlyMap<string, SegmentCode>;
  readonly ports: ReadonlyMap<string, PortCode>;
}

interface Ends {
  producer: string | undefined;
  consumer: string | undefined;
}

/** Calls the declaring function, and checks its result. Throws ConfigError, which names the invalid segment or port. */
export function declarePipeline(pipeline: Pipeline, args: unknown): Declared {
  const complete = pipeline.args === undefined ? args : withDefaults(pipeline.name, pipeline.args, args);
  const encodedArgs = encodeArgs(`pipeline "${pipeline.name}"`, complete);
  const declaring = new Declaring(pipeline.name);
  // Decoded again, so that the function gets the same arguments here as in every other partition.
  pipeline.declare(declaring.builder(), JSON.parse(encodedArgs));
  return declaring.finish(pipeline, encodedArgs);
}

export function checkInstances(segment: string, instances: number): void {
  if (!Number.isInteger(instances) || instances < 1 || instances > limits.segmentInstances) {
    throw new ConfigError(
      `instances of segment "${segment}" must be a whole number from 1 to ${limits.segmentInstances}, not ${instances}.`,
    );
  }
}

class Declaring {
  readonly #pipeline: string;
  readonly #segments = new Map<string, SegmentCode>();
  readonly #ports = new Map<string, PortCode>();
  readonly #ends = new Map<string, Ends>();
  readonly #encodedSegments: v1.SegmentDefinition[] = [];
  readonly #encodedPorts: v1.PortDefinition[] = [];

  constructor(pipeline: string) {
    this.#pipeline = pipeline;
  }

  builder(): PipelineBuilder {
    // The overloads of PipelineBuilder are checked in the declaring function; here the element types are erased.
    const builder = {
      port: (name: string, type: PortCode['type'], options: SegmentOptions = {}) => this.#port(name, type, options),
      source: (name: string, to: unknown, ...rest: unknown[]) => {
        const { options, run } = this.#split(name, rest);
        return this.#add(name, undefined, to, options, (_input, output, context) => run(output, context));
      },
      segment: (name: string, from: unknown, to: unknown, ...rest: unknown[]) => {
        const { options, run } = this.#split(name, rest);
        return this.#add(name, this.#ingress(name, from), to, options, (input, output, context) =>
          run(input, output, context),
        );
      },
      sink: (name: string, from: unknown, ...rest: unknown[]) => {
        const { options, run } = this.#split(name, rest);
        this.#add(name, this.#ingress(name, from), undefined, options, (input, _output, context) =>
          run(input, context),
        );
      },
    };
    // oxlint-disable-next-line typescript/consistent-type-assertions -- see above: no annotation can say that a port has the types it was given.
    return builder as PipelineBuilder;
  }

  finish(pipeline: Pipeline, args: string): Declared {
    if (this.#segments.size === 0) {
      throw this.#error('has no segment');
    }
    for (const [port, { producer, consumer }] of this.#ends) {
      if (producer === undefined) {
        throw this.#error(`port "${port}" is read by "${consumer}" but nothing writes to it`);
      }
      if (consumer === undefined) {
        throw this.#error(`port "${port}" of "${producer}" is not connected: give it to a segment or a sink`);
      }
    }
    this.#refuseCycles();
    const definition = v1.PipelineDefinition.create({
      name: pipeline.name,
      url: pipeline.url ?? '',
      args,
      segments: this.#encodedSegments,
      ports: this.#encodedPorts,
      onFailure: pipeline.options.onFailure === 'restart' ? v1.FailurePolicy.RESTART : v1.FailurePolicy.FAIL,
      maxRestarts: pipeline.options.onFailure === 'restart' ? pipeline.options.maxRestarts : 0,
    });
    return { definition, segments: this.#segments, ports: this.#ports };
  }

  #port(name: string, type: PortCode['type'], options: SegmentOptions): AnyPort {
    if (this.#ports.has(name)) {
      throw this.#error(`two ports are named "${name}"`);
    }
    if (!isMessageType(type) && !isCodable(type)) {
      throw this.#error(`port "${name}" needs a message type made by millrace gen, or a codable`);
    }
    const policy = checkPolicy(options.policy ?? 'round-robin');
    if ((policy === 'hash') !== (options.key !== undefined)) {
      throw this.#error(`port "${name}" needs a key with the policy hash, and only with that`);
    }
    this.#ports.set(name, { name, type, key: options.key });
    this.#encodedPorts.push(v1.PortDefinition.create({ name, type: type.typeName, policy }));
    this.#ends.set(name, { producer: undefined, consumer: undefined });
    return { name, type };
  }

  #add(
    name: string,
    from: AnyPort | undefined,
    to: unknown,
    options: SegmentOptions,
    run: SegmentCode['run'],
  ): AnyPort | undefined {
    this.#checkSegment(name, options);
    const egress = to === undefined ? undefined : this.#egress(name, to, options);
    if (from !== undefined) {
      this.#connect(from, 'consumer', name);
    }
    if (egress !== undefined) {
      this.#connect(egress, 'producer', name);
    }
    this.#segments.set(name, { name, ingress: from?.name, egress: egress?.name, run });
    this.#encodedSegments.push(
      v1.SegmentDefinition.create({
        name,
        ingress: from?.name ?? '',
        egress: egress?.name ?? '',
        instances: options.instances ?? 1,
        placedWith: options.with ?? '',
      }),
    );
    return egress;
  }

  #ingress(segment: string, from: unknown): AnyPort {
    if (!isPort(from)) {
      throw this.#error(`segment "${segment}" must read from a port: the result of source, segment or port`);
    }
    return from;
  }

  #egress(segment: string, to: unknown, options: SegmentOptions): AnyPort {
    if (isPort(to)) {
      if (options.policy !== undefined || options.key !== undefined) {
        throw this.#error(`segment "${segment}" writes to a declared port: give policy and key to port() instead`);
      }
      return to;
    }
    if (!isMessageType(to) && !isCodable(to)) {
      throw this.#error(
        `segment "${segment}" needs a message type made by millrace gen, a codable or a port to write to`,
      );
    }
    return this.#port(segment, to, options);
  }

  #connect(port: AnyPort, end: keyof Ends, segment: string): void {
    const ends = this.#ends.get(port.name);
    if (ends === undefined) {
      throw this.#error(`port "${port.name}" of segment "${segment}" belongs to another pipeline`);
    }
    if (ends[end] !== undefined) {
      const verb = end === 'producer' ? 'write to' : 'read from';
      throw this.#error(
        `"${ends[end]}" and "${segment}" both ${verb} port "${port.name}", which connects one writer and one reader: give each segment its own port`,
      );
    }
    ends[end] = segment;
  }

  #checkSegment(name: string, { instances = 1, with: placedWith }: SegmentOptions): void {
    if (!/^[a-z0-9][a-z0-9_.-]*$/i.test(name)) {
      throw this.#error(`the name of a segment may contain letters, digits, and -_. only, not "${name}"`);
    }
    if (this.#segments.has(name)) {
      throw this.#error(`two segments are named "${name}"`);
    }
    checkInstances(name, instances);
    if (placedWith !== undefined && !this.#segments.has(placedWith)) {
      throw this.#error(`segment "${name}" is placed with "${placedWith}", which must be declared before it`);
    }
  }

  /** Follows each segment from its output to its reader, and throws where that leads back to the start. */
  #refuseCycles(): void {
    for (const start of this.#segments.keys()) {
      const way = [start];
      for (let next = this.#after(start); next !== undefined; next = this.#after(next)) {
        way.push(next);
        if (next === start) {
          throw this.#error(`has a cycle: ${way.join(' -> ')}`);
        }
        if (way.length > this.#segments.size + 1) {
          break;
        }
      }
    }
  }

  #after(segment: string): string | undefined {
    const egress = this.#segments.get(segment)?.egress;
    return egress === undefined ? undefined : this.#ends.get(egress)?.consumer;
  }

  #split(
    name: string,
    rest: unknown[],
  ): { options: SegmentOptions; run: (...args: unknown[]) => Promise<void> | void } {
    const run = rest.at(-1);
    const options = rest.length > 1 ? rest[0] : {};
    if (!isFunction(run) || typeof options !== 'object' || options === null) {
      throw this.#error(`segment "${name}" needs its function as the last argument, and its options before it`);
    }
    return { options, run };
  }

  #error(what: string): ConfigError {
    return new ConfigError(`Pipeline "${this.#pipeline}": ${what}.`);
  }
}

function isFunction(value: unknown): value is (...args: unknown[]) => Promise<void> | void {
  return typeof value === 'function';
}

/** The type of the messages of a port, which are recorded; undefined where there is no port. Throws ConfigError for a port of values. */
export function messageTypeOf(port: PortCode | undefined): AnyType | undefined {
  if (port === undefined) return undefined;
  if (isMessageType(port.type)) return port.type;
  throw new ConfigError(
    `Port "${port.name}" has values of the codable ${port.type.typeName}: they cannot be recorded or replayed. Give it a message type, or run without a recording.`,
  );
}

function isCodable(value: unknown): value is Codable<unknown> {
  return typeof value === 'object' && value !== null && 'typeName' in value && 'encode' in value && 'decode' in value;
}

export function isMessageType(value: unknown): value is AnyType {
  return typeof value === 'object' && value !== null && 'typeName' in value && 'create' in value && 'read' in value;
}

function isPort(value: unknown): value is AnyPort {
  return typeof value === 'object' && value !== null && 'name' in value && 'type' in value;
}
