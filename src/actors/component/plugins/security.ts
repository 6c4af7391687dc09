import { ConfigError } from '../../../errors.js';
import { hasMark, shownValue } from '../../../foreign.js';
import { accepted, checkOptions } from '../../../options/index.js';
import { moduleUrl } from '../../runtime/index.js';

/** What a state is of. A provider may bind the sealed bytes to it, so that they open as nothing else. */
export interface StateLabel {
  /** Name of the component. */
  readonly component: string;
  /** Version of the schema of the state. */
  readonly version: number;
}

export interface SecurityDefinition {
  /** Called once in each process that uses it, before anything else: read the keys here. What it throws stops the start of a process, and fails the transfer of a state. */
  start?(this: void): void | PromiseLike<void>;
  /** The bytes that leave the container, for those that a component has exported. */
  seal(this: void, state: Uint8Array, label: StateLabel): Uint8Array | PromiseLike<Uint8Array>;
  /** The bytes that a component imports. Throw where the sealed ones were changed, or are of another label: the old version stays then. */
  open(this: void, sealed: Uint8Array, label: StateLabel): Uint8Array | PromiseLike<Uint8Array>;
}

/** Seals the states of components on their way between containers. Created by `defineSecurity`. */
export interface SecurityProvider {
  readonly name: string;
  readonly url: string;
  readonly definition: SecurityDefinition;
  /** Resolves when `start` has; rejects with what it throws, each time. */
  ready(): Promise<void>;
}

/** Property of every provider, whichever copy of Millrace created it. */
const BRAND: unique symbol = Symbol.for('millrace.security-provider');

/**
 * Declares a security provider. `url` is the module that exports it: `import.meta.url`, or `__filename` in CommonJS. Each process that has containers loads it from there.
 * Throws ConfigError for a wrong declaration.
 *
 *     export default defineSecurity('vault', import.meta.url, stateCipher({ keys: [{ id: 1, key: readFileSync('/etc/shop/state.key') }] }));
 */
export function defineSecurity(name: string, url: string, definition: SecurityDefinition): SecurityProvider {
  const module: unknown = url;
  if (typeof name !== 'string' || name === '') {
    throw new ConfigError(`A security provider needs a name, not ${shownValue(name)}.`);
  }
  const of = `security provider "${name}"`;
  const file = typeof module === 'string' ? moduleUrl(module) : undefined;
  if (file === undefined) {
    throw new ConfigError(`${of} needs the URL of its module, import.meta.url, not ${shownValue(module)}.`);
  }
  checkOptions(of, definition, { start: accepted.callback, seal: accepted.callback, open: accepted.callback });
  if (definition?.seal === undefined || definition.open === undefined) {
    throw new ConfigError(`${of} needs both seal and open: what one writes, the other reads.`);
  }
  let started: Promise<void> | undefined;
  const ready = (): Promise<void> => {
    started ??= begun(definition);
    return started;
  };
  const provider: SecurityProvider = { name, url: file, definition, ready };
  return Object.defineProperty(provider, BRAND, { value: true });
}

export function isSecurity(value: unknown): value is SecurityProvider {
  return hasMark(value, BRAND);
}

async function begun({ start }: SecurityDefinition): Promise<void> {
  await start?.();
}
