import type { MillraceError } from '../../../errors.js';
import { v1 } from '../../../protocol/index.js';
import { toWire } from '../../../protocol/errors/index.js';
import type { UntypedRef } from '../../kernel/index.js';

/** A name in the cluster's registry, its own or that of a group. */
export interface RegisteredName {
  readonly name: string;
  readonly isGroup: boolean;
}

/** One request to place an actor, and what became of it. */
export interface Placed {
  readonly isDetached: boolean;
  reply: Promise<v1.ActorPlacedInit>;
  ref: UntypedRef | undefined;
  /** Names in the cluster's registry, its own and that of a group. */
  registered: readonly RegisteredName[];
  /** Aborted when the actor is withdrawn, or its partition stops: an actor that is being started is not waited for. */
  readonly withdrawal: AbortController;
  hasEnded: boolean;
  /** The host of this partition forgets the actor. */
  release: () => void;
}

export function notStarted(given: Pick<Placed, 'isDetached' | 'hasEnded'>): Placed {
  const reply = Promise.resolve({});
  return { ...given, reply, ref: undefined, registered: [], withdrawal: new AbortController(), release: () => {} };
}

/** The answer to a request that was refused. */
export function refusalOf(error: MillraceError): v1.ActorPlacedInit {
  return { refused: v1.PlaceFailure.create(toWire(error)) };
}
