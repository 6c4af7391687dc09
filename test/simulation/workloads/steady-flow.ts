import { workload } from '#src/simulation/index.js';
import { sendParcels, smallRooms } from './flow.js';

/**
 * As the workload flow, over links that lose nothing. There no request is repeated: a sender that is granted too little waits for ever. Several nodes
 * send to each store, so that their shares of its mailbox change.
 */
export default workload('steady-flow', {
  sizes: {
    nodes: [3, 6],
    stores: [1, 2],
    senders: [3, 12],
    parcels: [1, 150],
    capacity: [1, 32],
    mailboxKiB: [16, 2_048],
  },
  faults: { latencyMs: 5, jitterMs: 2 },
  runtime: smallRooms,
  run: sendParcels,
});
