/**
 * nact's API on Millrace's kernel, as `millrace/nact`: its functions spawn actors that accept plain objects. All of them implement one
 * service that has no protobuf description, so their messages cannot leave the partition. It is for users; nothing in Millrace may call
 * it.
 */
import './systems.js';

export { plainMessages as PlainActor } from './plain-messages.js';
export type { ActorContext, ActorContextWithMailbox, SupervisionContext, WaitingMessage } from './context.js';
export { type ConsoleLoggerProperties, logToConsole } from './console-log.js';
export type { Logger } from './log.js';
export {
  configureLogging,
  type LogEvent,
  type LogException,
  type LoggingEngine,
  LogLevel,
  type LogMetric,
  type LogMsg,
  logNothing,
  type LogTrace,
} from './logging.js';
export {
  dispatch,
  type MethodMessage,
  query,
  type ReplyTo,
  type ReplyTo as InferResponseFromMsgFactory,
  stop,
} from './messaging.js';
export {
  configurePersistence,
  type EventStream,
  type PersistedEvent,
  type PersistedSnapshot,
  type PersistenceEngine,
} from '../persistence/store/index.js';
export {
  type Persist,
  type PersistentActorContext,
  type PersistentActorFunc,
  type PersistentActorProps,
  persistentQuery,
  type PersistentQueryFunc,
  type PersistentQueryProps,
  spawnPersistent,
} from './persistence/index.js';
export type { ActorFunc, ActorProps, StatelessActorFunc, StatelessActorProps } from './properties.js';
export { type ActorPath, type ActorReference, Nobody, type Parent, type Ref } from './reference.js';
export { spawn, spawnStateless } from './spawn.js';
export type { SupervisionActorFunc, Verdicts } from './supervision.js';
export {
  hour,
  hours,
  message,
  messages,
  type Milliseconds,
  millisecond,
  milliseconds,
  minute,
  minutes,
  second,
  seconds,
} from './time.js';
export type {
  ActorName,
  ActorSystem,
  ActorSystemName,
  ActorSystemRef,
  InferMsgFromFunc,
  InferMsgFromPersistentFunc,
  InferMsgFromPersistentQuery,
  InferMsgFromStatelessFunc,
  InferStateFromFunc,
  InferStateFromPersistentFunc,
  InferStateFromPersistentQuery,
  Json,
  NumberOfMessages,
  Plugin,
  QueryMsgFactory,
} from './type-names.js';
