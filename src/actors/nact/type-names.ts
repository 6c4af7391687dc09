import type { HasSystem } from '../kernel/index.js';
import type { PersistentActorFunc, PersistentQueryFunc } from './persistence/index.js';
import type { ActorFunc, StatelessActorFunc } from './properties.js';
import type { Ref } from './reference.js';

// Names of nact's own types that programs of nact import. Millrace itself has other names for them, or none.

/** What `start` of nact returns: here a Runtime. */
export type ActorSystemRef = HasSystem;
export type ActorSystem = HasSystem;
/** What `configurePersistence` returns. */
export type Plugin = (runtime: HasSystem) => void;
export type ActorName = string;
export type ActorSystemName = string;
export type NumberOfMessages = number;
export type Json = unknown;

/** Makes the message of a query of the reference that accepts the answer. */
export type QueryMsgFactory<Req, Res> = (tempRef: Ref<Res>) => Req;

export type InferMsgFromFunc<T> = T extends ActorFunc<infer _State, infer Msg, infer _Parent> ? Msg : never;
export type InferStateFromFunc<T> = T extends ActorFunc<infer State, infer _Msg, infer _Parent> ? State : never;
export type InferMsgFromPersistentQuery<T> = T extends PersistentQueryFunc<infer _State, infer Msg> ? Msg : never;
export type InferStateFromPersistentQuery<T> = T extends PersistentQueryFunc<infer State, infer _Msg> ? State : never;
export type InferMsgFromStatelessFunc<T> = T extends StatelessActorFunc<infer Msg, infer _Parent> ? Msg : never;
export type InferMsgFromPersistentFunc<T> =
  T extends PersistentActorFunc<infer _State, infer Msg, infer _Parent> ? Msg : never;
export type InferStateFromPersistentFunc<T> =
  T extends PersistentActorFunc<infer State, infer _Msg, infer _Parent> ? State : never;
