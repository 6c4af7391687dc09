import { BackpressureError, ProtocolError, Refusal } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Timer } from '../../scheduler/index.js';
import type { Context, MessageLink } from '../kernel/index.js';
import { LinkShares } from './link-shares.js';

/** Reason of the Refusal of a request whose process must announce itself first. */
export const ANNOUNCE = 'ANNOUNCE';

/** Time in which a connected process must become active, in ms: until then, no death watch notices its end. */
const BRING_UP_MS = 4 * limits.controlPlaneTimeoutMs;

/** The link that each process uses, and the processes that have connected and are not active yet. */
export class Connections {
  readonly #context: Context;
  /** Requests in the name of a process over another link are refused. Undefined for a process of this partition. */
  readonly #links = new Map<bigint, MessageLink | undefined>();
  /** How many processes have connected over each link. */
  readonly #shares = new LinkShares();
  readonly #bringUps = new Map<bigint, Timer>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Throws BackpressureError when the processes of this link are as many as `linkProcesses`. */
  assertRoom(link: MessageLink | undefined): void {
    if (this.#shares.of(link) < limits.linkProcesses) return;
    throw new BackpressureError(
      `${limits.linkProcesses} processes have connected over this link already (limit linkProcesses).`,
    );
  }

  /** The link of this process has ended. It may have another one, over which it must announce itself. */
  hasLostLink(pUid: bigint): boolean {
    return this.#links.get(pUid)?.isOpen === false;
  }

  /**
   * Throws ProtocolError for a request in the name of a process that arrived over another link than the process's, and a Refusal where that
   * link has ended: the process announces itself over the other one then.
   */
  assertSentBy(pUid: bigint, link: MessageLink | undefined): void {
    if (this.#links.has(pUid) && this.#links.get(pUid) !== link) {
      if (this.hasLostLink(pUid)) {
        throw new Refusal(ANNOUNCE, `The link of process ${pUid} has ended: it must announce itself over another one.`);
      }
      throw new ProtocolError(
        `A request in the name of process ${pUid} was refused: it did not arrive over the link of that process.`,
      );
    }
  }

  connected(pUid: bigint, link: MessageLink | undefined): void {
    if (this.#links.has(pUid)) this.#shares.drop(this.#links.get(pUid));
    this.#shares.take(link);
    this.#links.set(pUid, link);
  }

  /** Calls `late` when the process has not become active in time. */
  expectActive(pUid: bigint, late: () => void): void {
    if (!this.#bringUps.has(pUid)) this.#bringUps.set(pUid, this.#context.after(BRING_UP_MS, late));
  }

  active(pUid: bigint): void {
    const timer = this.#bringUps.get(pUid);
    if (timer === undefined) return;
    this.#context.cancel(timer);
    this.#bringUps.delete(pUid);
  }

  ended(pUid: bigint): void {
    this.active(pUid);
    if (this.#links.has(pUid)) this.#shares.drop(this.#links.get(pUid));
    this.#links.delete(pUid);
  }
}
