import { v1 } from '../../protocol/index.js';
import { type Behavior, behavior, type Context, deadlineOf, linkOf } from '../kernel/index.js';
import { definitionHash } from './definition-hash.js';
import { type ControlPlaneOptions, required, ServerState } from './server-state.js';

/** The server's behavior. A request that fails is answered with its error; the server continues. */
export function controlPlaneServer(options: ControlPlaneOptions = {}): Behavior<v1.ControlPlane, ServerState> {
  return behavior(v1.ControlPlane, {
    state: (context) => new ServerState(context, options),
    supervision: { onFailure: 'resume' },

    connect: (server, request, context) => server.connect(request, linkOf(context)),
    registerPartitions: own((server, request) => server.registerPartitions(request)),
    activate: own((server, request) => server.activate(request)),
    activatePartition: own((server, request) => {
      const segmentsManager = required(request.segmentsManager, 'segments_manager');
      return server.do(request, () => server.store.activatePartition(request.pUid, request.ordinal, segmentsManager));
    }),
    retirePartition: own((server, request) =>
      server.do(request, () => server.store.retirePartition(request.pUid, request.ordinal, request.cause)),
    ),
    announce: (server, announcement, context) => server.announce(announcement, linkOf(context)),
    registerNames: own((server, request) => server.registerNames(request)),
    resume: own((server, request) => server.resume(request)),
    disconnect: (server, request, context) => server.disconnect(request, linkOf(context)),
    acknowledge: (server, acknowledgement, context) => server.acknowledge(acknowledgement, linkOf(context)),
    report: own((server, report) => server.do(report, () => server.store.report(report))),

    registerName: own((server, request) => server.registerName(request)),
    unregisterName: own((server, request) => server.unregisterName(request)),
    watchGroup: own((server, request) => server.watchGroup(request)),
    unwatchGroup: own((server, request) => server.unwatchGroup(request)),
    followName: current((server, request, context) => server.followName(request, deadlineOf(context), linkOf(context))),
    lookup: current((server, request, context) => server.lookup(request, deadlineOf(context), linkOf(context))),
    locate: current((server, request) => server.locate(request)),
    findPartitions: current((server, request) => server.findPartitions(request)),

    registerDefinition: own((server, { pUid, definition }) => {
      const { pUid: owner } = server.store.process(pUid);
      const hash = definitionHash(required(definition, 'definition'));
      server.store.pipelines.define(owner, hash, required(definition, 'definition'));
      return { hash };
    }),
    getDefinition: current((server, { hash }) => server.store.pipelines.definition(hash)),
    startPipeline: own((server, request) => server.startPipeline(request)),
    stopPipeline: own((server, request) => server.do(request, () => server.store.pipelines.stop(request.pipeline))),
    expandPipeline: own((server, parts) => server.do(parts, () => server.store.pipelines.expand(parts))),
    addInstance: own((server, request) => server.addInstance(request)),
    drainSegment: own((server, request) => server.do(request, () => server.store.pipelines.drain(request.segment))),
    list: (server) => ({ resources: [...server.store.resources()], names: server.store.names.list() }),

    on: { terminated: (server, { ref, reason }) => server.terminated(ref.toRef().cUid, reason) },
  });
}

/** A handler of requests that a process makes in its own name. Refuses those that arrived over another link than the process's. */
function own<Request extends { readonly pUid: bigint; readonly epoch?: number }, Reply>(
  handle: (server: ServerState, request: Request) => Reply,
): (server: ServerState, request: Request, context: Context<ServerState>) => Reply {
  return (server, request, context) => {
    server.assertMember(request, linkOf(context));
    return handle(server, request);
  };
}

/** A handler of requests that anybody may make. Refuses those of processes that follow a later control plane. */
function current<Request extends { readonly epoch: number }, Reply>(
  handle: (server: ServerState, request: Request, context: Context<ServerState>) => Reply,
): (server: ServerState, request: Request, context: Context<ServerState>) => Reply {
  return (server, request, context) => {
    server.assertNotDeposed(request.epoch);
    return handle(server, request, context);
  };
}
