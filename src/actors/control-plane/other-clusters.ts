import { AskTimeoutError, UnreachableError } from '../../errors.js';
import type { Ref, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { isLate } from './retry-ask.js';
import { refusalOf } from './waiting-lookups.js';

/** What a process knows of processes that have control planes of their own: the other members of its network. */
export interface OtherClusters {
  /** The address of a partition of a process with this incarnation; undefined where none is known. */
  locate(ordinal: number, incarnation: bigint): string | undefined;
  /** This is the incarnation of a process of this cluster, or nothing is known of it. */
  isOwn(incarnation: bigint): boolean;
  /** The actor that has a name in one of them. */
  holder(name: string): Ref | undefined;
  /** Calls `listener` when something of that has changed. Returns a function that ends that. */
  onChange(listener: () => void): () => void;
  /** A clause that says why there are none; undefined where some are known, or none is looked for. */
  solitude(): string | undefined;
  /** The members of groups in them, with negative ids. */
  resources(): Iterable<v1.Resource>;
  /** An actor of this cluster has a name. Throws CapacityError where that cannot be offered to the others. */
  offer(entry: v1.MemberName): void;
  withdraw(name: string, cUid: bigint): void;
}

/** What names of actors of the runtime begin with: they are no offer to other clusters. */
const INFRASTRUCTURE = 'millrace/';

/** Offers a name that an actor here has got to the other clusters. Where that is not possible, calls `undo`, and rejects. */
export async function offerTo(
  others: OtherClusters | undefined,
  entry: v1.MemberName,
  undo: () => Promise<void>,
): Promise<void> {
  if (entry.name.startsWith(INFRASTRUCTURE)) return;
  try {
    others?.offer(entry);
  } catch (error) {
    await undo();
    throw error;
  }
}

/** Follows a name at the own control plane: see ControlPlaneClient.followName. */
export type Follow = (
  name: string,
  known: { readonly ref: Ref | undefined } | undefined,
  signal: AbortSignal,
) => Promise<Ref | undefined>;

/**
 * The address of a partition of another member. Undefined where the own control plane knows. Throws UnreachableError where nobody does: it may be a member of
 * which this process has not heard yet, or not any more, and that is no proof of its end.
 */
export function locateAmong(
  others: OtherClusters | undefined,
  ordinal: number,
  incarnation: bigint,
): string | undefined {
  const address = others?.locate(ordinal, incarnation);
  if (address === undefined && others?.isOwn(incarnation) === false) {
    throw new UnreachableError(`No member of the network is known here that has partition ${ordinal}.`);
  }
  return address;
}

/** The holder of a name here or in another cluster, as soon as it is another one than `known`; without `known`, the present one. */
export async function followAmong(
  own: Follow,
  others: OtherClusters,
  name: string,
  known: { readonly ref: Ref | undefined } | undefined,
  signal: AbortSignal,
): Promise<Ref | undefined> {
  const first = await own(name, undefined, signal);
  const present = (): Ref | undefined => first ?? others.holder(name);
  if (known === undefined || !isSame(present(), known.ref)) return present();
  const changed = new AbortController();
  const unwatch = others.onChange(() => {
    if (!isSame(present(), known.ref)) changed.abort();
  });
  try {
    return (await own(name, { ref: first }, AbortSignal.any([signal, changed.signal]))) ?? others.holder(name);
  } catch (error) {
    if (signal.aborted || !changed.signal.aborted) throw error;
    return present();
  } finally {
    unwatch();
  }
}

/** Waits until an actor here or in another cluster has the name. Rejects with ConfigError where its service is another one, and with AskTimeoutError at the deadline. */
export async function lookupAmong(
  follow: (known: { readonly ref: Ref | undefined } | undefined, signal: AbortSignal) => Promise<Ref | undefined>,
  scheduler: Scheduler,
  { name, service, timeoutMs }: { readonly name: string; readonly service: string; readonly timeoutMs: number },
  others: OtherClusters,
  given?: AbortSignal,
): Promise<Ref> {
  const late = new AbortController();
  const timer = scheduler.setTimer(timeoutMs, () => {
    const why =
      others.solitude() ??
      'spawn it with { name, register: true } or call runtime.register, and look for the same name';
    late.abort(
      new AskTimeoutError(
        `no member of the network offered an actor of ${service} under the name "${name}" within ${timeoutMs} ms: ${why}`,
      ),
    );
  });
  const signal = given === undefined ? late.signal : AbortSignal.any([given, late.signal]);
  try {
    for (let known: { readonly ref: Ref | undefined } | undefined; ; known = { ref: undefined }) {
      const ref = await follow(known, signal).catch((error: unknown) => {
        if (late.signal.aborted) throw late.signal.reason;
        if (!isLate(error) || signal.aborted) throw error;
        return undefined;
      });
      if (ref === undefined) continue;
      const refusal = refusalOf({ name, service }, ref);
      if (refusal !== undefined) throw refusal;
      return ref;
    }
  } finally {
    scheduler.clearTimer(timer);
  }
}

function isSame(one: Ref | undefined, other: Ref | undefined): boolean {
  return one?.cUid === other?.cUid && one?.incarnation === other?.incarnation;
}

/** The error of a lookup of a name that nobody has registered in time. */
export function nobodyRegistered(
  { name, service, timeoutMs }: { readonly name: string; readonly service: string; readonly timeoutMs: number },
  cause: unknown,
): AskTimeoutError {
  return new AskTimeoutError(
    `nobody registered an actor of ${service} under the name "${name}" within ${timeoutMs} ms: spawn it with { name, register: true } or call runtime.register, and look for the same name`,
    { cause },
  );
}
