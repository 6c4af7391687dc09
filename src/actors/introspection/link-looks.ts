import { v1 } from '../../protocol/index.js';
import type { Router } from '../transport/index.js';

type Channel = ReturnType<Router['channels']> extends Iterable<infer Each> ? Each : never;

/** The links of a partition, each with a number that stays its own. */
export class LinkLooks {
  readonly #router: Router;
  readonly #ids = new WeakMap<Channel, number>();
  #last = 0;

  constructor(router: Router) {
    this.#router = router;
  }

  read(): readonly v1.LinkLook[] {
    return Array.from(this.#router.channels(), (channel) => this.#look(channel));
  }

  #look(channel: Channel): v1.LinkLook {
    const { name, isOpen, link, asks, lanes, peer } = channel;
    const { bytesSent, bytesReceived, envelopesSent, envelopesReceived } = channel.traffic();
    return v1.LinkLook.create({
      id: this.#idOf(channel),
      peer: name.address === '' ? name.text : name.address,
      ordinal: peer?.ordinal,
      transport: link?.carrier.transport ?? '',
      medium: link?.carrier.medium ?? '',
      isOpen,
      isUnresponsive: link?.isUnresponsive === true,
      bytesSent,
      bytesReceived,
      envelopesSent,
      envelopesReceived,
      pendingAsks: asks.size,
      waitingBytes: lanes.waitingBytes,
    });
  }

  #idOf(channel: Channel): number {
    let id = this.#ids.get(channel);
    if (id === undefined) {
      id = ++this.#last;
      this.#ids.set(channel, id);
    }
    return id;
  }
}
