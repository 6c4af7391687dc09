/**
 * The actor: behavior, references, mailbox, dispatch, supervision, watch, timers. The folders above spawn actors and route messages
 * through ActorSystem. The kernel knows other processes only through the interface Route; it must never know of links, envelopes or
 * frames.
 */
export { deadlineOf, linkOf } from './actor-context.js';
export { type ActorNode, nodeOf } from './actor-node.js';
export type { ActorPath } from './actor-path.js';
export { ActorSystem } from './actor-system.js';
export { type ActorTree, type HasSystem, systemKey, treeDirectory, type TreeObserver } from './actor-tree.js';

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
  type Terminated,
  type UntypedDefinition,
  untypedBehavior,
} from './behavior.js';
export {
  type AskOptions,
  type Caller,
  type OutgoingCall,
  type SendOptions,
  type StreamOptions,
  withMeta,
} from './call.js';
export { checkArgs, SPAWN_OPTIONS } from './spawn.js';
export { answeredError } from './answered-error.js';
export { CallChain, chainFrom, chainIds } from './call-chain.js';
export type { Context, SpawnArguments, SpawnOptions, TimerOptions, UntypedSpawnOptions } from './context.js';
export type { DeadLetter, DeadLetterReason, DeadLetters, ReturnReason } from './dead-letters.js';
export type { Deadlines } from './deadlines.js';
export { ArrivingMessage, dropMessage } from './arriving-message.js';
export type { Addressee, Delivery, TellDelivery } from './delivery.js';
export { type Subscribable, Topic } from './topic.js';
export type { Failure, KernelLimits, KernelOptions as ActorSystemOptions } from './kernel.js';
export { deferred, type DeferredReply, type Later, later, laterReply } from './later.js';
export type { Overflow } from './mailbox.js';
export { PendingAsk } from './pending-ask.js';
export { ReadyQueue } from './ready-queue.js';
export type { WhenReady, WhenReadyOptions } from './when-ready.js';
export type { ReadyOptions, ReadyWait } from './ready-wait.js';
export { type ActorRef, type CallArguments, References, type UntypedRef } from './reference.js';
export { type Cell, type Room, type Route, routeKey, type TerminationReason, type Watcher } from './route.js';
export { FailedStream, type Stream, type StreamOpening, type StreamSink, type StreamSource } from './stream.js';
export type { StreamCall } from './stream-call.js';
export type { MailboxPressure, Statistics } from './statistics.js';
export type { Directive, Supervision, SupervisionPolicy } from './supervision.js';
export type { Interceptor } from './interceptor.js';
export { checkRequest, replyOf, requestOf } from './message-values.js';
export { isInfrastructure } from './infrastructure.js';
export { Requests, requestsIn, type RequestSource } from './requests.js';
export type { OpenStream } from './stream-reader.js';
export { ActorTimers } from './timers.js';
export type { ActorTrouble } from './troubles.js';
export type { TraceContext } from './trace-context.js';
export type { Tracing, TracingSource } from './tracing.js';
export type { Unfinished } from './unfinished.js';
export type { MeteredLink, Place } from './waiting-room.js';
