import { ConsumedError } from '../../errors.js';
import type { v1 } from '../../protocol/index.js';
import type { PeerIncarnation } from '../ledger/index.js';
import type { OwnedObjects } from './owned-objects.js';

/** An encoded value that is registered with the manager of its process. It becomes a message for each peer that it is sent to. */
export class LocalDescriptorHandle implements Disposable {
  readonly #objects: OwnedObjects;
  readonly #number: number;
  #isOpen = true;

  /** `RemoteDescriptorManager.register` makes handles. */
  constructor(objects: OwnedObjects, number: number) {
    this.#objects = objects;
    this.#number = number;
  }

  /**
   * What is sent to a peer, which holds the value from now on. May be called for several peers. Throws UnreachableError for a peer that is not
   * there, and ConsumedError after `dispose` and `release`.
   */
  sendTo(peer: PeerIncarnation): v1.RemoteDescriptorInit {
    if (this.#isOpen) return this.#objects.send(this.#number, peer);
    throw new ConsumedError('A value was sent after its handle was released.');
  }

  /** As `sendTo`, for the last peer: the handle is empty from now on. */
  release(peer: PeerIncarnation): v1.RemoteDescriptorInit {
    const message = this.sendTo(peer);
    this.dispose();
    return message;
  }

  /** This process does not use the value any more. It is freed when no peer holds it. Does nothing the second time. */
  dispose(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#objects.apply({ kind: 'drop', object: this.#number });
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
