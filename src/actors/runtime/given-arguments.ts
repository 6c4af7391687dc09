/** Checks what users pass to a Runtime: JavaScript passes anything, and a wrong argument must not fail later, as something else. */
import { ConfigError } from '../../errors.js';
import { isRecord, shownValue } from '../../foreign.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import { isService, routeKey, SPAWN_OPTIONS, type UntypedRef } from '../kernel/index.js';
import type { ValuePublisherOptions } from '../values/index.js';
import { BOUNDS } from './bounded-call.js';
import { checkPolicy } from './groups/index.js';
import { isPipeline } from './pipeline.js';
import type { RuntimeSpawnOptions } from './runtime-options.js';
import { isWellFormed } from '../../well-formed.js';

const SPAWN: AcceptedOptions = { ...SPAWN_OPTIONS, register: accepted.flag };
const LOOKUP: AcceptedOptions = BOUNDS;
const RUN: AcceptedOptions = { args: accepted.anything, instances: accepted.object, partitions: accepted.object };
const GROUP: AcceptedOptions = { policy: accepted.anything, ...BOUNDS };
const REGISTER: AcceptedOptions = { group: accepted.flag, standby: accepted.flag, ...BOUNDS };
const POOL: AcceptedOptions = {
  name: accepted.anything,
  limitBytes: accepted.anything,
  arenaBytes: accepted.anything,
  poison: accepted.flag,
  timeoutMs: accepted.anything,
};
const PUBLISHER: AcceptedOptions = {
  policy: accepted.text,
  withoutSubscribers: accepted.text,
  pool: accepted.object,
};
const SUBSCRIBER: AcceptedOptions = {
  timeoutMs: accepted.milliseconds,
  windowItems: accepted.number,
  windowBytes: accepted.number,
};
const STOP: AcceptedOptions = {
  drainTimeoutMs: accepted.milliseconds,
  before: accepted.callback,
  signal: accepted.signal,
};

export function checkSpawn(options: RuntimeSpawnOptions): void {
  checkOptions('runtime.spawn', options, SPAWN);
  if (options.register === true && options.name === undefined) {
    throw new ConfigError('An actor needs a name to be registered: spawn(behavior, { name, register: true }).');
  }
}

/** The pool checks the values. */
export function checkPool(options: object): void {
  checkOptions('runtime.createPool', options, POOL);
}

export function checkPublisher(name: unknown, codable: unknown, options: ValuePublisherOptions): void {
  const call = 'runtime.publisher(name, codable)';
  checkName(call, name);
  checkCodable(call, codable);
  checkOptions('runtime.publisher', options, PUBLISHER);
  const { policy = 'round-robin', withoutSubscribers = 'wait' } = options;
  checkChoice('policy', policy, ['round-robin', 'least-loaded', 'local-first', 'broadcast', 'hash']);
  checkChoice('withoutSubscribers', withoutSubscribers, ['wait', 'drop', 'fail']);
}

export function checkSubscriber(name: unknown, codable: unknown, options: object): void {
  const call = 'runtime.subscriber(name, codable)';
  checkName(call, name);
  checkCodable(call, codable);
  checkOptions('runtime.subscriber', options, SUBSCRIBER);
}

function checkCodable(call: string, codable: unknown): void {
  if (isRecord(codable) && typeof codable['encode'] === 'function' && typeof codable['decode'] === 'function') return;
  throw new ConfigError(
    `${call} needs a codable, such as bytesCodable or messageCodable(Trade), not ${shownValue(codable)}.`,
  );
}

function checkChoice(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw new ConfigError(
    `The option ${option} of runtime.publisher accepts ${known.join(', ')}, not ${shownValue(value)}.`,
  );
}

export function checkStop(options: object): void {
  checkOptions('runtime.stop', options, STOP);
}

export function checkLookup(call: string, service: unknown, name: unknown, options: object): void {
  if (!isService(service)) {
    throw new ConfigError(
      `${call}(Service, name) needs a service of a module that millrace gen made, not ${shownValue(service)}.`,
    );
  }
  checkName(`${call}(Service, name)`, name);
  checkOptions(call, options, LOOKUP);
}

export function checkGroup(call: string, service: unknown, name: unknown, options: object): void {
  if (!isService(service)) {
    throw new ConfigError(
      `${call}(Service, name) needs a service of a module that millrace gen made, not ${shownValue(service)}.`,
    );
  }
  checkName(`${call}(Service, name)`, name);
  checkOptions(call, options, GROUP);
  if ('policy' in options && options.policy !== undefined) checkPolicy(options.policy);
}

export function checkRegistration(name: unknown, ref: unknown, options: object = {}): void {
  checkOptions('runtime.register', options, REGISTER);
  checkName('runtime.register(name, ref)', name);
  checkReference('runtime.register(name, ref)', ref);
  if ('group' in options && options.group === true && 'standby' in options && options.standby === true) {
    throw new ConfigError(`No actor stands by for "${String(name)}": all members of a group have its name at a time.`);
  }
}

export function checkWatch(call: string, service: unknown, name: unknown, listener: unknown): void {
  if (!isService(service)) {
    throw new ConfigError(
      `${call}(Service, name, listener) needs a service of a module that millrace gen made, not ${shownValue(service)}.`,
    );
  }
  checkName(`${call}(Service, name, listener)`, name);
  if (typeof listener === 'function') return;
  throw new ConfigError(
    `${call}(Service, name, listener) needs a function that is called with the change, not ${shownValue(listener)}.`,
  );
}

export function checkReference(call: string, ref: unknown): void {
  if (typeof ref === 'object' && ref !== null && routeKey in ref) return;
  throw new ConfigError(`${call} needs the reference of an actor, which spawn returns, not ${shownValue(ref)}.`);
}

export function checkRef(service: unknown, ref: unknown): void {
  if (!isService(service)) {
    throw new ConfigError(
      `runtime.ref(Service, ref) needs a service of a module that millrace gen made, not ${shownValue(service)}.`,
    );
  }
  if (ref === undefined || (isRecord(ref) && 'cUid' in ref && !(routeKey in ref))) return;
  throw new ConfigError(
    `runtime.ref(Service, ref) needs a millrace.v1.Ref, which a message carries and toRef() makes, not ${shownValue(ref)}.`,
  );
}

/** The error for an actor that was not spawned with `register: true`. */
export function notAnnounced(ref: UntypedRef): ConfigError {
  return new ConfigError(
    `runtime.whenRegistered needs an actor that runtime.spawn(behavior, { name, register: true }) has started here, not ${ref.toString()}. runtime.register waits for itself.`,
  );
}

/** The error for a name that this process has not registered for the actor. */
export function notRegistered(name: string, ref: UntypedRef): ConfigError {
  return new ConfigError(
    `runtime.unregister: ${ref.toString()} does not have the name "${name}" by this process. The process that has registered or placed the actor unregisters it.`,
  );
}

export function checkRun(pipeline: unknown, options: object): void {
  if (!isPipeline(pipeline)) {
    throw new ConfigError(
      `runtime.run needs a pipeline, which pipeline(name, import.meta.url, declare) makes, not ${shownValue(pipeline)}.`,
    );
  }
  checkOptions('runtime.run', options, RUN);
}

function checkName(call: string, name: unknown): void {
  if (typeof name === 'string' && name !== '' && isWellFormed(name)) return;
  throw new ConfigError(
    `${call} needs a name, a text that is not empty, of whole characters, not ${shownValue(name)}.`,
  );
}
