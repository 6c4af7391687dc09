import { isUint8Array } from 'node:util/types';
import { ConfigError } from '../../../errors.js';
import { isRecord, messageOf, shownValue } from '../../../foreign.js';
import { importPeerModule } from '../../../import-module.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { isSecurity, type SecurityProvider, type StateLabel } from './security.js';

/** A security provider, as the partition of a container finds it: `provider.name` and `provider.url` of what `defineSecurity` returns. */
export interface StateSecurity {
  readonly name: string;
  /** Of its module, a `file:` URL. */
  readonly url: string;
}

/** The arguments of a container: `runtime.place(stock, { args: { security: { name, url } } })`. */
export interface ContainerArgs {
  /** Seals the state that the container exports, and opens what it imports. Without it, neither is sealed. */
  readonly security?: StateSecurity;
}

/** For the place of a container. */
export function securityOf(provider: SecurityProvider | undefined): ContainerArgs {
  return provider === undefined ? {} : { security: { name: provider.name, url: provider.url } };
}

/** The security in the arguments of a container, which another process may have sent. Throws ConfigError for what is none. */
export function stateSecurityIn(component: string, args: unknown): StateSecurity | undefined {
  const security = isRecord(args) ? args['security'] : undefined;
  if (security === undefined) return undefined;
  const { name, url } = isRecord(security) ? security : {};
  if (typeof name === 'string' && name !== '' && typeof url === 'string') return { name, url };
  throw new ConfigError(
    `security of a container of "${component}" must be { name, url } of a security provider, not ${shownValue(security)}.`,
  );
}

/** Seals what a component has exported. Rejects with ConfigError where the provider is not found, and with what it throws. */
export async function sealWith(
  security: StateSecurity,
  state: Uint8Array,
  label: StateLabel,
  scheduler: Scheduler,
): Promise<Uint8Array> {
  const { name, definition } = await providerOf(security, scheduler);
  return bytesOf(`seal of security provider "${name}"`, await definition.seal(state, label));
}

/** As `sealWith`, for what a component is to import. */
export async function openWith(
  security: StateSecurity,
  sealed: Uint8Array,
  label: StateLabel,
  scheduler: Scheduler,
): Promise<Uint8Array> {
  const { name, definition } = await providerOf(security, scheduler);
  return bytesOf(`open of security provider "${name}"`, await definition.open(sealed, label));
}

/** A module is loaded once for each thread. */
async function providerOf({ name, url }: StateSecurity, scheduler: Scheduler): Promise<SecurityProvider> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await scheduler.outside(importPeerModule(url));
  } catch (cause) {
    throw new ConfigError(`Security provider "${name}" cannot be loaded from ${url}: ${messageOf(cause)}`, { cause });
  }
  const found = Object.values(module).find((each) => isSecurity(each) && each.name === name);
  if (!isSecurity(found)) {
    throw new ConfigError(
      `The module ${url} exports no security provider "${name}": export what defineSecurity returns.`,
    );
  }
  await found.ready();
  return found;
}

function bytesOf(what: string, bytes: unknown): Uint8Array {
  if (isUint8Array(bytes)) return bytes;
  throw new ConfigError(`${what} must return bytes, not ${shownValue(bytes)}.`);
}
