import type { JetStreamApiError } from '@nats-io/jetstream';
import type { Kvm } from '@nats-io/kv';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { ConfigError } from '../../errors.js';

/** What a store uses of the client of NATS. */
export interface NatsPackages {
  connect(options: ConnectionOptions): Promise<NatsConnection>;
  readonly Kvm: typeof Kvm;
  readonly JetStreamApiError: typeof JetStreamApiError;
}

const NAMES = '@nats-io/transport-node @nats-io/jetstream @nats-io/kv';

/** Loads the packages. Rejects with ConfigError where one is missing. */
export async function loadNatsPackages(): Promise<NatsPackages> {
  try {
    const [{ connect }, { JetStreamApiError }, { Kvm }] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
    ]);
    return { connect, Kvm, JetStreamApiError };
  } catch (cause) {
    throw new ConfigError(`A cluster store at nats:// needs the client of NATS. Run: npm install ${NAMES}`, { cause });
  }
}
