import { v1 } from '../../protocol/index.js';
import { type Behavior, behavior, type Context, deadlineOf, linkOf } from '../kernel/index.js';
import type { Predecessor } from './recovery.js';
import { ServerState } from './server-state.js';
import type { Answer, Content, ControlPlaneOptions, EventKind } from './state/index.js';

/**
 * The server's behavior. `predecessor`: what is known of the control plane before. A request that fails is answered with its error; the server
 * continues.
 */
export function controlPlaneServer(
  options: ControlPlaneOptions = {},
  predecessor?: Predecessor,
): Behavior<v1.ControlPlane, ServerState> {
  return behavior(v1.ControlPlane, {
    state: (context) => new ServerState(context, options, predecessor),
    supervision: { onFailure: 'resume' },

    connect: (server, request, context) => server.connect(request, linkOf(context)),
    registerPartitions: event('registerPartitions'),
    activate: own((server, request) => server.activate(request)),
    activatePartition: event('activatePartition'),
    retirePartition: event('retirePartition'),
    announce: (server, announcement, context) => server.announce(announcement, linkOf(context)),
    registerNames: event('registerNames'),
    announcePipelines: event('announcePipelines'),
    resume: own((server, request) => server.resume(request)),
    disconnect: (server, request, context) => server.disconnect(request, linkOf(context)),
    acknowledge: (server, acknowledgement, context) => server.acknowledge(acknowledgement, linkOf(context)),
    report: event('report'),

    registerName: own((server, request) => server.registerName(request)),
    unregisterName: own((server, request) => server.unregisterName(request)),
    watchGroup: own((server, request) => server.watchGroup(request)),
    unwatchGroup: event('unwatchGroup'),
    followName: current((server, request, context) => server.followName(request, deadlineOf(context), linkOf(context))),
    lookup: current((server, request, context) => server.lookup(request, deadlineOf(context), linkOf(context))),
    locate: current((server, request) => server.locate(request)),
    findPartitions: current((server, request) => server.findPartitions(request)),

    registerDefinition: event('registerDefinition'),
    getDefinition: current((server, { hash }) => server.definition(hash)),
    startPipeline: event('startPipeline'),
    stopPipeline: event('stopPipeline'),
    expandPipeline: event('expandPipeline'),
    addInstance: event('addInstance'),
    drainSegment: event('drainSegment'),
    list: (server) => server.list(),

    on: { terminated: (server, { ref, reason }) => server.terminated(ref.toRef().cUid, reason) },
  });
}

/** What a request of a process carries that it makes in its own name. */
type Own = { readonly pUid: bigint; readonly epoch?: number };

/** A handler of requests that a process makes in its own name. Refuses those that arrived over another link than the process's. */
function own<Request extends Own, Reply>(
  handle: (server: ServerState, request: Request) => Reply,
): (server: ServerState, request: Request, context: Context<ServerState>) => Reply {
  return (server, request, context) => {
    server.assertMember(request, linkOf(context));
    return handle(server, request);
  };
}

/** A handler of requests of members that are events of the state as they are. */
function event<Kind extends EventKind>(
  kind: Kind,
): (server: ServerState, request: Content<Kind> & Own, context: Context<ServerState>) => Answer<Kind> {
  return own((server, request) => server.request(kind, request));
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
