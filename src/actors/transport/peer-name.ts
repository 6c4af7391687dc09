import { limits } from '../../limits.js';
import { RecentMap } from '../../recent-map.js';
import type { v1 } from '../../protocol/index.js';
import { type ActorSystem, type DescribedActor, describeActor } from '../kernel/index.js';
import type { Holder } from './peer-addresses.js';

/** What an actor of this partition is called that a peer names by its id, and that may have ended. */
export function pathHere(system: Pick<ActorSystem, 'name' | 'pathOf'>, cUid: bigint, method: string): string {
  const service = method.slice(0, Math.max(0, method.lastIndexOf('.')));
  const path = system.pathOf(cUid);
  return path ?? `${describeActor({ cUid, service })} in partition ${system.name}`;
}

/**
 * What the partition at the other end of a link, and its actors, are called in errors, dead letters and logs.
 *
 *     "tills/first" (shop.Till) in partition west.shop-0 at tcp://10.0.0.5:7000     its registered name is known, and the peer has said who it is
 *     actor 8f3a (shop.Till) in partition 12                                        only its reference is known
 */
export class PeerName {
  /** Where it listens, as it states, or where it is dialed. Empty while that is not known. */
  address: string;
  readonly #ordinal: number | undefined;
  readonly #actors = new RecentMap<bigint, DescribedActor>(limits.linkNamedActors);
  #partition: string;
  #isDialed = false;

  /** `partition`: the name that the peer had on another link; empty where it had none. */
  constructor(address: string, holder?: Pick<Holder, 'ordinal'>, partition = '') {
    this.address = address;
    this.#ordinal = holder?.ordinal;
    this.#partition = partition;
  }

  /** The address is known, and a link to it is opened. */
  dialed(address: string): void {
    this.address = address;
    this.#isDialed = true;
  }

  introduced({ address, partition }: v1.Hello): void {
    if (address !== '') this.address = address;
    if (partition !== '') this.#partition = partition;
  }

  /** A reference says what an actor is; it may not have its name. Past `linkNamedActors` the oldest is forgotten. */
  knows(actor: DescribedActor): void {
    const { name = this.#actors.get(actor.cUid)?.name } = actor;
    this.#actors.set(actor.cUid, { ...actor, name });
  }

  /** Describes an actor of the peer. */
  pathOf(cUid: bigint): string {
    return `${describeActor(this.#actors.get(cUid) ?? { cUid })} in ${this.text}`;
  }

  /** Why no link to it is open, where none is. */
  get opening(): string {
    return this.#isDialed
      ? `its process has not answered at ${this.address}`
      : 'the address of its process is not known here, and the control plane has not said it';
  }

  get text(): string {
    const name = this.#partition === '' ? this.#ordinal : this.#partition;
    const partition = name === undefined ? 'the partition' : `partition ${name}`;
    return this.address === '' ? partition : `${partition} at ${this.address}`;
  }
}
