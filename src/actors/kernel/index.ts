/**
 * The actor: behavior, references, mailbox, dispatch, supervision, watch, timers. The folders above spawn actors and route messages
 * through ActorSystem. The kernel knows other processes only through the interface Route; it must never know of links, envelopes or
 * frames.
 *
 * Read it along the path of a message:
 *
 *     references.ts      ref.quote(message): checks the message, fills in defaults, and calls the route of the reference
 *     route.ts           where a reference leads: an actor of this partition, or one elsewhere
 *     outgoing-calls.ts  options of the call, with what it inherits from the message that the caller handles
 *     inbox.ts           the actor's end of a route: accepts the message, or refuses it; an ask becomes a LocalAsk
 *     held-messages.ts   the mailbox, its bound and its stash
 *     dispatcher.ts      the run queue: actor by actor, some messages each
 *     turns.ts           one turn: signals, then messages; calls the handler, and waits for its promise
 *     open-first.ts      reads the large fields of a message from a link, which came beside it, before its handler is called
 *     borrowing.ts       the memory that a message has lent to its handler, until that has settled, and what the actor has retained of it
 *     local-ask.ts       the reply, or the error, settles the promise of the caller
 *
 * An actor is an ActorCell of five layers, from the lowest: held-messages.ts, inbox.ts, turns.ts, lifecycle.ts (start, failure, restart,
 * stop) and cell.ts (its place in the tree, its children). Code in other files uses it as an `Actor` (actor.ts). What all actors of a system
 * share are the services of kernel.ts.
 */
export { deadlineOf, linkOf } from './actor-context.js';
export {
  assertOfThisProcess,
  assertSentBy,
  assertSentFrom,
  isFromPartition,
  isFromProcess,
  isOfThisProcess,
  isSentBy,
  senderAddress,
  senderIdentity,
  senderOf,
} from './sent-by.js';
export { type ActorNode, nodeOf, type Phase } from './actor-node.js';
export { type ActorPath, type DescribedActor, describeActor } from './actor-path.js';
export { ActorSystem } from './actor-system.js';
export { type ActorTree, type RootSystem, rootSystemOf, treeDirectory, type TreeObserver } from './actor-tree.js';

export type { AskStatistics, Histogram } from './ask-meter.js';
export {
  type AnyBehavior,
  type Behavior,
  type BehaviorOptions,
  behavior,
  type Ending,
  type Handler,
  type Handlers,
  isBehavior,
  isService,
  type Lifecycle,
  type RequestOf,
  type ResultOf,
  type StoringSystem,
  type Terminated,
  type UntypedDefinition,
  untypedBehavior,
} from './behavior.js';
export {
  ASK_OPTIONS,
  type AskOptions,
  type Caller,
  checkCallOptions,
  isInherited,
  type OutgoingCall,
  type SendOptions,
  STREAM_OPTIONS,
  type StreamOptions,
  withMeta,
} from './call.js';
export { checkArgs, SPAWN_OPTIONS } from './spawn-options.js';
export { answeredError, PassedOn } from './answered-error.js';
export { CallChain, chainFrom, chainIds } from './call-chain.js';
export type { Context, SpawnArguments, SpawnOptions, TimerOptions, UntypedSpawnOptions } from './context.js';
export { givenReference } from './actor-directory.js';
export type { DeadLetter, DeadLetters } from './dead-letters.js';
export { Deadline, type Deadlines } from './deadlines.js';
export { drainMsOf, type StopActorOptions } from './draining.js';
export { ArrivingMessage, dropMessage } from './arriving-message.js';
export { Borrowing } from './borrowing.js';
export { holdFields } from './lent-message.js';
export { Loan } from './loan.js';
export type { RetainedBytes } from './retained-bytes.js';
export type { Addressee, DeadLetterReason, Delivery, MessageLink, ReturnReason, TellDelivery } from './delivery.js';
export { type Subscribable, Topic } from './topic.js';
export type { Failure, KernelLimits, KernelOptions as ActorSystemOptions } from './kernel.js';
export { deferred, type DeferredReply, type Later, later, laterReply } from './later.js';
export type { Overflow } from './mailbox.js';
export { Pauses } from './pauses.js';
export { PendingAsk } from './pending-ask.js';
export { waitingCycle } from './waiting-cycle.js';
export { ReadyQueue } from './ready-queue.js';
export type { ReadyOptions, ReadyWait } from './ready-wait.js';
export { WHEN_READY_OPTIONS } from './when-ready.js';
export type { ActorRef, CallArguments, RequestSource, WhenReady, WhenReadyOptions } from './reference.js';
export { References } from './references.js';
export { type HasSystem, systemKey, type UntypedRef } from './untyped-ref.js';
export {
  type Cell,
  type LaterCall,
  type Room,
  type Route,
  routeKey,
  type TerminationReason,
  type Watcher,
} from './route.js';
export {
  alreadyRead,
  FailedStream,
  type Stream,
  type StreamOpening,
  type StreamSink,
  type StreamSource,
} from './stream.js';
export type { OpenStream, StreamCall } from './stream-call.js';
export type { Explainer, Fact } from './explainer.js';
export type { ActorObserver } from './observer.js';
export type { MailboxPressure, Statistics } from './statistics.js';
export type { Directive, Supervision, SupervisionPolicy } from './supervision.js';
export type { Interceptor } from './interceptor.js';
export { checkRequest, replyOf, replyToEncode, requestOf } from './message-values.js';
export { isInfrastructure } from './infrastructure.js';
export type { GroupPolicy, GroupRef, HashPolicy } from './group-reference.js';
export type {
  Place,
  Placeable,
  PlaceArguments,
  PlaceInstances,
  PlaceOn,
  PlaceOptions,
  PlaceWith,
} from './placeable.js';
export {
  type CallBounds,
  type ClusterAccess,
  type GroupOptions,
  type LookupOptions,
  noCluster,
  type Surroundings,
} from './surroundings.js';
export { Requests, requestsIn } from './requests.js';
export { ActorTimers } from './timers.js';
export { type ActorTrouble, Troubles } from './troubles.js';
export type { TraceContext } from './trace-context.js';
export type { Tracing, TracingSource } from './tracing.js';
export type { Unfinished } from './unfinished.js';
export type { LinkPlace, MeteredLink } from './waiting-room.js';
export {
  type AskTarget,
  type AskWrapper,
  type CallServices,
  callServices,
  deadlineOfAsk,
  innermostRoute,
  type Wrappable,
  type WrappedAsk,
  wrapAsksKey,
} from './wrapped-asks.js';
