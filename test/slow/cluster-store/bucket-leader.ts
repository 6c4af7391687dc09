import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsServer } from '../../cluster-store/nats-server.js';
import { eventually } from '../../support/until.js';

/** The servers of a cluster: the one that leads a bucket of theirs, and those that follow it. */
export interface BucketServers {
  readonly leader: NatsServer;
  readonly followers: readonly NatsServer[];
}

/** Asks all servers who leads the bucket. They must have been started by `NatsServer.startCluster`, which names them by their index. */
export async function bucketServers(servers: readonly NatsServer[], bucket: string): Promise<BucketServers> {
  const connection = await connect({ servers: servers.map(({ port }) => `127.0.0.1:${port}`) });
  try {
    const manager = await jetstream(connection).jetstreamManager();
    let leader: NatsServer | undefined;
    await eventually(async () => {
      const { cluster } = await manager.streams.info(`KV_${bucket}`);
      leader = servers.find((_server, index) => cluster?.leader === `server-${index}`);
      return leader !== undefined;
    });
    if (leader === undefined) throw new Error(`The bucket ${bucket} has no leader.`);
    return { leader, followers: servers.filter((server) => server !== leader) };
  } finally {
    await connection.close();
  }
}
