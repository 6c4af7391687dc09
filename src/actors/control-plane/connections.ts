import { BackpressureError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Timer } from '../../scheduler/index.js';
import type { Context } from '../kernel/index.js';
import { LinkShares } from './link-shares.js';

/** Time in which a connected process must become active, in ms: until then, no death watch notices its end. */
const BRING_UP_MS = 4 * limits.controlPlaneTimeoutMs;

/** The link that each process uses, and the processes that have connected and are not active yet. */
export class Connections {
  readonly #context: Context;
  /** Requests in the name of a process over another link are refused. Undefined for a process of this partition. */
  readonly #links = new Map<bigint, object | undefined>();
  /** How many processes have connected over each link. */
  readonly #shares = new LinkShares();
  readonly #bringUps = new Map<bigint, Timer>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Throws BackpressureError when the processes of this link are as many as `linkProcesses`. */
  assertRoom(link: object | undefined): void {
    if (this.#shares.of(link) < limits.linkProcesses) return;
    throw new BackpressureError(
      `${limits.linkProcesses} processes have connected over this link already (limit linkProcesses).`,
    );
  }

  /** Throws ProtocolError for a request in the name of a process that arrived over another link than the process's. */
  assertSentBy(pUid: bigint, link: object | undefined): void {
    if (this.#links.has(pUid) && this.#links.get(pUid) !== link) {
      throw new ProtocolError(
        `A request in the name of process ${pUid} was refused: it did not arrive over the link of that process.`,
      );
    }
  }

  connected(pUid: bigint, link: object | undefined): void {
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
