import type * as jetStream from '@nats-io/jetstream';
import type * as keyValue from '@nats-io/kv';
import type * as transport from '@nats-io/transport-node';
import { ConfigError } from '../../errors.js';

/** What a store uses of the client of NATS. */
export interface NatsPackages {
  connect(options: transport.ConnectionOptions): Promise<transport.NatsConnection>;
  readonly Kvm: typeof keyValue.Kvm;
  readonly jetstream: typeof jetStream.jetstream;
  readonly JetStreamApiError: typeof jetStream.JetStreamApiError;
}

const TRANSPORT = '@nats-io/transport-node';
const JET_STREAM = '@nats-io/jetstream';
const KEY_VALUE = '@nats-io/kv';

/** Loads the packages. Rejects with ConfigError where one is missing. */
export async function loadNatsPackages(): Promise<NatsPackages> {
  const [{ connect }, { jetstream, JetStreamApiError }, { Kvm }] = await Promise.all([
    load(TRANSPORT, (found): found is typeof transport => has(found, 'connect')),
    load(JET_STREAM, (found): found is typeof jetStream => has(found, 'jetstream')),
    load(KEY_VALUE, (found): found is typeof keyValue => has(found, 'Kvm')),
  ]);
  return { connect, Kvm, jetstream, JetStreamApiError };
}

/** The name is no literal here, so that bundlers leave the package to run time: most programs do not have it. */
async function load<T>(name: string, isComplete: (found: unknown) => found is T): Promise<T> {
  let cause: unknown;
  try {
    const found: unknown = await import(name);
    if (isComplete(found)) return found;
  } catch (error) {
    cause = error;
  }
  const packages = [TRANSPORT, JET_STREAM, KEY_VALUE].join(' ');
  throw new ConfigError(`A cluster store at nats:// needs the client of NATS. Run: npm install ${packages}`, { cause });
}

function has(found: unknown, name: string): boolean {
  return typeof found === 'object' && found !== null && typeof Reflect.get(found, name) === 'function';
}
