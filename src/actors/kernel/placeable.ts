import type { AnyService } from '../../protocol/index.js';
import type { ActorRef } from './reference.js';
import type { UntypedRef } from './untyped-ref.js';

/** A component, as the kernel sees it: an actor whose code travels. `component` makes one. */
export interface Placeable<S extends AnyService = AnyService, Args = unknown> {
  readonly name: string;
  readonly service: S;
  /** A method, whose parameters are bivariant. */
  encodeArgs(args: Args): Uint8Array;
}

/**
 * Where an actor may be placed. `threads`, `processes`: partitions of this runtime that run there. `partition`: ordinals, as in
 * `runtime.ordinals`. `node`, `process` (its name), `label`: partitions of any process of the cluster that meet all that is given.
 */
export type PlaceOn =
  | 'threads'
  | 'processes'
  | { readonly partition: number | readonly number[] }
  | { readonly node?: string; readonly process?: string; readonly label?: string };

export interface PlaceOptions {
  /**
   * Where it may run; where several partitions may, they take turns. Default: the partitions of this runtime but the first, which is the event
   * loop of the program, or the first where it is the only one.
   */
  readonly on?: PlaceOn;
  /** Starts so many actors. The result is a list then, also for 1. */
  readonly instances?: number;
  /** How instances take turns: over the partitions (default), or over the nodes and their partitions. */
  readonly spread?: 'partitions' | 'nodes';
  /** Name of the actor in its partition; with `instances`, followed by `-0`, `-1` and so on. Default: that of its service and a number. */
  readonly name?: string;
  /** Name to register in the cluster, for `runtime.lookup`. Rejects with ConfigError when another actor has it, unless `standby` is true. */
  readonly register?: string;
  /** Where another actor has the name of `register`, this one gets it when that has ended, behind those that stand by already. Default false. */
  readonly standby?: boolean;
  /** Name of a group in the cluster that the actor joins, for `runtime.group`. */
  readonly group?: string;
  /** The actor goes on when this runtime ends, and until its partition ends. Default false: it ends with this runtime. */
  readonly detached?: boolean;
  /** An actor of this process, such as `ctx.self`: when it ends, the placed actor is stopped. */
  readonly parent?: UntypedRef;
  /** Time in ms in which the actor must be placed, the loading of its module included. Default 30 000. */
  readonly timeoutMs?: number;
  /** Ends the call with AskAbortedError when it is aborted; nothing that it has started is left then. */
  readonly signal?: AbortSignal;
}

type Empty = Readonly<Record<never, never>>;

/** The options of `runtime.place`, with the arguments of the component; they may be left out where all of them may. */
export type PlaceWith<Args, Options = PlaceOptions> = Empty extends Args
  ? Options & { readonly args?: Args }
  : Options & { readonly args: Args };

/** The options for a list of actors. The arguments may be a function of the number of the instance, from 0. */
export type PlaceInstances<Args> = PlaceWith<Args | ((index: number) => Args)> & { readonly instances: number };

/** The arguments of `runtime.place` behind the component, for one actor. */
export type PlaceArguments<Args> = Empty extends Args
  ? [options?: PlaceWith<Args, Omit<PlaceOptions, 'instances'>> & { readonly instances?: undefined }]
  : [options: PlaceWith<Args, Omit<PlaceOptions, 'instances'>> & { readonly instances?: undefined }];

/** `runtime.place` and `ctx.place`: one actor, or a list of them with `instances`. */
export interface Place {
  <S extends AnyService, Args>(
    component: Placeable<S, Args>,
    options: PlaceInstances<Args>,
  ): Promise<readonly ActorRef<S>[]>;
  <S extends AnyService, Args>(component: Placeable<S, Args>, ...options: PlaceArguments<Args>): Promise<ActorRef<S>>;
}
