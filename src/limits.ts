import { gatewayLimits } from './gateway-limits.js';

/** Every bound, with its unit; docs/limits.md says what happens at each. Options override some. */
export const limits = {
  /** Messages in one mailbox; `tell` past it throws BackpressureError. */
  mailboxMessages: 65_536,
  /** Encoded bytes of messages from links that wait in all mailboxes of one process; past it they count as full. */
  mailboxBytes: 256 * 1024 * 1024,
  /** Messages that one actor may have put aside by `ctx.stash()`; past it that throws BackpressureError. */
  stashMessages: 1_024,
  /** Messages that one actor may handle in one turn before the next actor has its turn. */
  throughputMessages: 256,
  /** Messages that one dispatch turn handles, all actors together, before it yields to the event loop. */
  turnMessages: 16_384,
  /** Time in ms for which messages may hold the event loop, before it yields for I/O and timers. */
  turnMs: 2,
  /** Longest `retryAfterMs` of an actor that refuses an ask, in ms. */
  longestRetryMs: 10_000,
  /** Time that a stopping actor's pending handler has, in ms, before it is abandoned. */
  stopTimeoutMs: 5_000,
  /** Time that a pipeline has to end beyond `stopTimeoutMs`, in ms, before `run.stop()` gives up what has not. */
  runStopGraceMs: 5_000,
  /** Time that `stopOnSignals` gives to what has begun, in ms, before it is cut off. */
  drainTimeoutMs: 10_000,
  /** Requests that wait in one container, for components that set no `queue`. */
  containerQueue: 1_024,
  /** Time in ms that a request without `within` waits for a container of one process before it asks the next one. */
  componentSpillMs: 50,
  /** Time in ms after which a container that does not answer is replaced, once its request must have ended. */
  containerWedgedMs: 10_000,
  /** Deadline of an `ask` that states none, in ms. */
  askTimeoutMs: 5_000,
  /** A `ready()` that states no deadline is given up when the actor has handled no message for so long, in ms. */
  readyTimeoutMs: 60_000,
  /** Restarts of one actor within `restartWindowMs` before its failure escalates. */
  restarts: 10,
  /** Window in which `restarts` are counted, in ms. */
  restartWindowMs: 60_000,
  /** Actors of a partition that ended by a failure, and whose error is kept for those that watch them afterwards by channel id. */
  endedActors: 1_024,
  /** Actors of other partitions, and ended ones of this one, whose paths a partition knows; and so many whose names it knows. */
  knownActors: 4_096,
  /** Actors that `health()` names: those that ended by a failure, and as many that restart again and again. */
  troubledActors: 100,
  /** Restarts of one actor that `health()` counts. */
  troubledRestarts: 100,
  /** Bytes of one encoded envelope, its value included. */
  maxMessageBytes: 16 * 1024 * 1024,
  /** Bytes of an ordinary frame: a message of 64 KiB, and what is around it; a larger message has a frame of its own. */
  frameBytes: 68 * 1024,
  /** Bytes of frames that a link's data lane has in flight before it waits for credit. */
  linkWindowBytes: 1024 * 1024,
  /** Bytes of encoded messages that wait on a link's data lane for credit; `tell` past it throws BackpressureError. */
  linkBacklogBytes: 1024 * 1024,
  /** Bytes that wait on a link's data lane, replies included; past it a reply becomes BackpressureError for its asker. */
  linkReplyBytes: 64 * 1024 * 1024,
  /** Bytes that wait on all links of one process, replies included; see docs/limits.md for who is refused first. */
  replyBytes: 256 * 1024 * 1024,
  /** Bytes that wait on a link's control lane; past it the link is closed. */
  controlBacklogBytes: 8 * 1024 * 1024,
  /** Bytes of tells from one link that may wait beside one mailbox without a grant, two messages more; past it the link is closed. */
  linkParkedBytes: 32 * 1024 * 1024,
  /** Bytes of tells that a sender may send past its grant: they return false before the first one throws BackpressureError. */
  linkCourtesyBytes: 64 * 1024,
  /** Mailboxes that a peer may meter at a time over one link. */
  linkMeteredActors: 65_536,
  /** Actors at the other end of one link that have ended and are remembered. */
  linkEndedActors: 4_096,
  linkNamedActors: 4_096,
  /** Reports of returned tells that are remembered on a link that may repeat frames, which only the pseudo-network has. */
  linkRepeatedReports: 1_024,
  /** Asks awaiting a reply over one link; past it `ask` throws BackpressureError. */
  linkAsks: 65_536,
  /** Memory in bytes that one decoded message may take, its nested messages included: see `WireReader.charge`. */
  decodedMessageBytes: 128 * 1024 * 1024,
  /** Nesting depth of a decoded protobuf message. */
  messageDepth: 64,
  /** Malformed frames or envelopes that a link survives; past it the link is closed. */
  linkProtocolErrors: 100,
  /** Methods negotiated on one link. */
  linkMethods: 65_536,
  /** Ends of watched actors that one peer has not confirmed; only on links that may lose frames. */
  linkEndedWatches: 65_536,
  /** Silence after which a cut link is dead, in ms. */
  linkDeadMs: 15_000,
  /** Time between two looks at a peer that does not read what waits for it, in ms. */
  stalledTurnMs: 1,
  /** Time that opening a link may take, in ms. */
  connectTimeoutMs: 5_000,
  /** Bytes of frames that a link has handed to its socket and the kernel has not taken; control frames overtake the rest. */
  linkBurstBytes: 256 * 1024,
  /** Bytes of one message of a WebSocket: at least those of `linkBurstBytes` and of the largest write behind them. */
  webSocketMessageBytes: 1024 * 1024,
  ...gatewayLimits,
  /** Bytes of one message of ZeroMQ. */
  zmqMessageBytes: 256 * 1024,
  /** What a message of ZeroMQ uses of the window beside its bytes, so that small ones are bounded too. */
  zmqMessageCostBytes: 1_024,
  /** Bytes of messages of ZeroMQ that one connection has in flight: sent, and not read by the peer. */
  zmqWindowBytes: 1024 * 1024,
  /** Time without a report after which a peer is asked for what it has received, in ms; then twice as long, up to `zmqReconnectMs`. */
  zmqProbeMs: 250,
  /** Time that ZeroMQ has to connect again when a connection breaks; then its link ends, in ms. */
  zmqReconnectMs: 2_000,
  /** Pause of ZeroMQ before it connects again, in ms. */
  zmqReconnectPauseMs: 50,
  /** Time that the last messages of a closed connection over ZeroMQ may take in the background, in ms. */
  zmqLingerMs: 200,
  /** Messages of ZeroMQ on their way from the main thread to a socket of a worker thread. */
  zmqRelayedMessages: 256,
  /** Time after which a link reports to its peer what it has taken, when no earlier message does, in ms. */
  takenReportMs: 100,
  /** Links to one peer that were given up, and that its next link names. */
  fenceLinks: 16,
  /** Peers whose last links were given up, and links of peers that were given up, that are remembered. */
  givenUpLinks: 1_024,
  /** Time after a failed attempt to reach a peer until a tell starts the next one, in ms. */
  unreachableRetryMs: 1_000,
  /** Peers that could not be reached and are remembered. */
  unreachablePeers: 1_024,
  /** Partitions of other processes whose addresses are remembered. */
  peerAddresses: 4_096,
  /** Time that a closed link has to bring what was sent across, and that a stop waits for links to open, in ms. */
  linkLingerMs: 2_000,
  /** Members of one network that one member knows, itself not counted. */
  networkMembers: 4_096,
  /** Members whose descriptions one member asks for at a time. */
  networkWanted: 256,
  /** By how much the incarnation of a member may be higher than the one that is known. */
  networkIncarnations: 65_536,
  /** Names and memberships of groups that one member offers to its network. */
  networkNames: 1_024,
  /** Encoded bytes of the description of one member. */
  networkDescriptionBytes: 128 * 1024,
  /** Time that a member which was declared dead is remembered, and looked for, in ms. */
  networkDeadMs: 24 * 60 * 60 * 1_000,
  /** Time that a member which has left is remembered, in ms. */
  networkLeftMs: 60_000,
  /** Addresses of members that are remembered on disk. */
  networkPeers: 64,
  /** Time between two probes of members of a network, in ms. */
  networkProbeMs: 1_000,
  /** Bytes a second that one member sends to coordinate its network. */
  networkBytes: 600,
  /** Shortest cluster key, in bytes: a shorter secret can be guessed from one recorded handshake. */
  shortestKeyBytes: 16,
  /** Largest record of a handshake, in bytes. */
  handshakeRecordBytes: 16 * 1024,
  /** Connections to one listener that have proven nothing yet; at most a quarter of the files that the process may open. */
  unprovenConnections: 4_096,
  /** Bytes of the first record of a handshake, which comes from anybody. */
  openingRecordBytes: 1_024,
  /** Connections to one listener that have proven the cluster key, and whose handshake is in progress. */
  pendingHandshakes: 256,
  /** Links that one listener has accepted and that are open; at most half of the files that the process may open. */
  acceptedLinks: 16_384,
  /** Attempts to connect of one dial, when the connections are closed before the listener has answered. */
  dialAttempts: 8,
  /** Time between two log records of refused connections, in ms. */
  rejectionLogMs: 1_000,
  /** Deadline of a request to the control plane, its repeats included, in ms. */
  controlPlaneTimeoutMs: 10_000,
  /** Requests of a process that change something at the control plane, from the oldest that is pending to the newest. */
  controlPlaneRequests: 256,
  /** Time for one call of a cluster store that states none, in ms. */
  storeTimeoutMs: 5_000,
  /** Characters of a key of a cluster store. */
  storeKeyCharacters: 256,
  /** Bytes of the value of one key of a cluster store. */
  storeValueBytes: 512 * 1024,
  /** Bytes of the file of an embedded cluster store. */
  storeFileBytes: 4 * 1024 * 1024,
  /** Shortest time of a lease, in ms. */
  shortestLeaseMs: 500,
  /** Time that a process has to reach the control plane when it starts with a cluster store, in ms. */
  joinTimeoutMs: 20_000,
  /** Time after which a process that serves the control plane and is silent loses that right, in ms. */
  leaseMs: 2_000,
  /** The same with a cluster store in a file, whose disk may be slow, in ms. A process that has ended is noticed there without it. */
  fileLeaseMs: 5_000,
  /** Longest time between two attempts to reach a control plane that was lost, in ms. */
  rejoinMs: 500,
  /** Time in which a control plane that has started anew hears the processes of the cluster, in ms; requests that depend on it wait. */
  recoveryMs: 2_000,
  /** The same, in ms, while a process has not announced all it has, or one is missing that runs or has started an announced part of a pipeline. */
  longestRecoveryMs: 6_000,
  /** Partitions of lost processes whose addresses the control plane remembers. */
  lostPartitions: 4_096,
  /** Names in one request of a process that rejoins. */
  announcedNames: 256,
  /** Processes that one link may connect to the control plane. */
  linkProcesses: 16,
  /** Lookups of one link that wait at the control plane for names that no actor has. */
  waitingLookups: 4_096,
  /** Names that one process may register at the control plane. */
  processNames: 65_536,
  /** Actors that stand by for one name; one more fails with BackpressureError. */
  nameStandbys: 1_024,
  /** Actors of one group. */
  groupMembers: 4_096,
  /** Groups that one process may use. */
  watchedGroups: 4_096,
  /** Labels of one process, by which others choose where to place actors. */
  processLabels: 64,
  /** Actors that may be placed in one partition at a time; past it `place` rejects with CapacityError. */
  placedActors: 65_536,
  /** Requests to place an actor, of one process, that a partition and the process remember after the actor has ended. */
  placedRequests: 4_096,
  /** Time in which `place` must have placed an actor, the loading of its module included, in ms. */
  placeTimeoutMs: 30_000,
  /** Time for which an actor whose partition has ended is placed again, in ms; then it is given up. */
  placeAgainMs: 60_000,
  /** Characters of a registered name, of the name of a process or a node, and of an address at the control plane. */
  nameCharacters: 4_096,
  /** Encoded bytes of the definition of one pipeline. */
  definitionBytes: 1024 * 1024,
  /** Definitions that one process may keep registered while no pipeline uses them. */
  processDefinitions: 256,
  /** Pipelines that one process may run at a time. */
  processPipelines: 4_096,
  /** Segments and ports of one pipeline when it starts. */
  pipelineParts: 16_384,
  /** Encoded bytes of resources in one update of the control plane. */
  controlPlaneUpdateBytes: 64 * 1024,
  /** Elements that the actor of a streaming rpc may be ahead of its reader. */
  rpcStreamItems: 64,
  /** Encoded bytes of elements that the actor of a streaming rpc may be ahead of its reader, over a link. */
  rpcStreamBytes: 256 * 1024,
  /** Encoded bytes that the readers of streaming rpcs in one partition have granted together; past it each grants one element at a time. */
  rpcStreamsBytes: 64 * 1024 * 1024,
  /** Streams that one actor serves at a time; opening one more fails with BackpressureError. */
  actorStreams: 65_536,
  /** Streams open over one link in one direction; opening one more fails with BackpressureError. */
  linkStreams: 65_536,
  /** Items that a reader grants a writer at a time. */
  streamItems: 1_024,
  /** Encoded bytes that a reader grants a writer at a time. */
  streamBytes: 1024 * 1024,
  /** Bytes of the encoded detail of a refusal; past it the refusal becomes a HandlerError for its caller. */
  refusalDetailBytes: 64 * 1024,
  /** Characters of an error's message that a link carries; the rest is cut off, so that a failure always fits into an envelope. */
  errorMessageCharacters: 4_096,
  /** Characters of the reason of a refusal that a link carries. */
  refusalReasonCharacters: 1_024,
  /** Bytes of meta in one envelope. */
  metaBytes: 16 * 1024,
  /** Delay of the event loop, 99th percentile in ms, past which a runtime is not ready for more work. */
  healthyDelayMs: 1_000,
  /** Ended pipelines that the control plane remembers. */
  endedPipelines: 1_000,
  /** Instances of one segment of a pipeline. */
  segmentInstances: 4_096,
  /** Writes of one port that may wait for credit at a time. */
  pendingWrites: 1_024,
  /** Events that one persistent actor may have given to its engine and that are not stored yet. */
  pendingEvents: 65_536,
  /** Partitions of one process. */
  partitions: 1_024,
  /** Bytes of one config file. */
  configFileBytes: 1024 * 1024,
  /** Bytes of one file with a cluster key, a private key or certificates. */
  keyFileBytes: 1024 * 1024,
  /** Bytes of one recording that is replayed: the most that Node reads at once. */
  recordingFileBytes: 2 ** 31 - 1,
  /** Bytes of one file with the plan of a simulation. */
  planFileBytes: 16 * 1024 * 1024,
  /** Bytes of one .proto file. */
  protoFileBytes: 16 * 1024 * 1024,
  /** Bytes of one topology in XML. */
  topologyXmlBytes: 64 * 1024 * 1024,
  /** Elements in one another in a topology. */
  topologyDepth: 128,
  /** Processors of a topology that a synthetic description makes. */
  syntheticProcessors: 16_384,
  /** Memory that reserving an arena leaves free on the machine and in the cgroup, in bytes. */
  spareMemoryBytes: 64 * 1024 * 1024,
  /** Bytes of memory of one pool. */
  poolBytes: 1024 * 1024 * 1024,
  /** Bytes of one arena of a pool; blocks of more than half of it have memory of their own. */
  arenaBytes: 32 * 1024 * 1024,
  /** Time that `pool.allocate` waits for memory, in ms. */
  allocateTimeoutMs: 5_000,
  /** Calls of `allocate` that wait for memory of one pool; one more fails with BackpressureError. */
  poolWaiters: 65_536,
  /** Bytes of an encoded value that travel with its description; what is more lies in a pool. */
  inlineBytes: 4 * 1024,
  /** Bytes of messages with large fields that wait on one link for memory or for their peer; `tell` past it throws BackpressureError. */
  linkLargeBytes: 64 * 1024 * 1024,
  /** Bytes of large fields that one receiver over a link may hold of the pool of the sender: more waits in the process of the sender. */
  receiverLargeBytes: 64 * 1024 * 1024,
  /** Bytes of a `bytes` field that travels within its message; what is more travels beside it, from pool to reader. */
  inlineFieldBytes: 64 * 1024,
  /** Arenas that one peer may have announced at a time. */
  announcedArenas: 4_096,
  /** Values of one peer that were given up on their way and freed, and that are refused if they come all the same. */
  lateObjects: 65_536,
  /** Values that a partition fetches at a time, from partitions whose memory cannot be mapped. */
  networkEngines: 16,
  /** Bytes of one piece of a value that is fetched from a partition whose memory cannot be mapped. */
  fetchPieceBytes: 64 * 1024,
  /** Time after which an unanswered message about values is sent to a partition again, in ms, and after which a lost partition is looked for. */
  descriptorRetryMs: 500,
  /** Values that a publisher may send to one subscriber before they are read. */
  valueItems: 64,
  /** Bytes of values that a publisher may send to one subscriber before they are read. */
  valueBytes: 64 * 1024 * 1024,
  /** Values in each list of a ledger's description: the oldest. */
  describedValues: 20,
  /** Peers in each list of a ledger's description: those with most bytes, or that have ended last. */
  describedPeers: 32,
  /** Parts of one encoded value. */
  storageParts: 4_096,
  /** Asks that may wait on one another in one chain. */
  callChain: 64,
  /** Actors of a call chain that one envelope carries; the most that `callChain` may be. */
  linkCallChain: 1_024,
  /** Time in which the launcher must show what a process has written, in ms. */
  outputTimeoutMs: 86_400_000,
  /** Lines that the launcher keeps for `millrace logs`, and that wait for one reader. */
  shownLines: 10_000,
  /** Characters of these lines. */
  shownCharacters: 4 * 1024 * 1024,
  /** Readers that follow what one run shows. */
  logReaders: 64,
  /** Log records that wait on one node for the launcher. */
  loggedRecords: 1_000,
  /** Processes that have ended, and that global services and each shepherd remember. */
  endedProcesses: 4_096,
  /** Processes, and as many groups, that global services have at a time. */
  managedProcesses: 65_536,
} as const;
