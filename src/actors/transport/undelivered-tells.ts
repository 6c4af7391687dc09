import { limits } from '../../limits.js';
import { type AnyMethod, encode, Lane, v1 } from '../../protocol/index.js';
import type { Addressee, Delivery, MessageLink, ReturnReason } from '../kernel/index.js';
import { pathHere } from './peer-name.js';
import type { PeerLink, RouterServices } from './peer-link.js';

/** Messages of one size, up to this many bytes, share a delivery. */
const SHARED_BYTES = 1_024;
/** What a report and its envelope take beside the messages and the name of the method, in bytes: more than they can. */
const REPORT_BYTES = 128;
/** The same for each message of a report. */
const MESSAGE_BYTES = 5;
const utf8 = new TextEncoder();

/** Tells of one method to one actor, with one reason. */
interface Report {
  readonly cUid: bigint;
  readonly path: string;
  readonly method: string;
  readonly reason: v1.Undelivered_Reason;
  tells: number;
  readonly messages: Uint8Array[];
  /** What it will take at most as an envelope. */
  sizeBytes: number;
}

/** What reports need of the channel. */
interface ReportingLink extends Pick<PeerLink, 'outgoing' | 'lanes' | 'written'>, MessageLink {
  readonly peer: v1.Hello | undefined;
  /** It is open, or will be. */
  readonly isReading: boolean;
}

/**
 * The receiver's end: tells that have arrived over one link and that no actor will handle. They are reported to the peer once a turn, with
 * their messages, because they are dead letters of their sender's process (see ReturnedTells). A report that its peer has not taken
 * when the link ends makes them dead letters here.
 *
 * When more waits for the link than its replies may take, the messages are left out, and only their number is reported. No report is larger than
 * `maxMessageBytes`: messages that do not fit together come in several.
 */
export class UndeliveredTells {
  /** Of all that were reported. */
  count = 0;
  readonly #link: ReportingLink;
  readonly #system: RouterServices['system'];
  readonly #waitingReplies: RouterServices['waitingReplies'];
  readonly #largestBytes: number;
  readonly #shared: (Delivery | undefined)[] = [];
  #reports = new Map<string, Report>();
  #last: Report | undefined;
  #reportBytes = 0;
  #sequence = 0;
  /** Tells that have arrived over the link, by their lanes. */
  readonly #arrived = { [Lane.control]: 0, [Lane.data]: 0 };

  constructor({ system, waitingReplies, limits: { maxMessageBytes } }: RouterServices, link: ReportingLink) {
    this.#link = link;
    this.#system = system;
    this.#waitingReplies = waitingReplies;
    this.#largestBytes = maxMessageBytes;
  }

  get link(): MessageLink {
    return this.#link;
  }

  /** A tell has arrived, wherever it goes. */
  arrived(lane: Lane): void {
    this.#arrived[lane]++;
  }

  /** The delivery of a tell without sender or meta. */
  delivery(sizeBytes: number): Delivery {
    if (sizeBytes > SHARED_BYTES) return new SizedTell(sizeBytes, this);
    const shared = this.#shared[sizeBytes] ?? new SizedTell(sizeBytes, this);
    this.#shared[sizeBytes] = shared;
    return shared;
  }

  /** As Delivery.giveBack. */
  giveBack(addressee: Addressee, method: AnyMethod, message: unknown, reason: ReturnReason): boolean {
    const { cUid } = addressee;
    return this.add(cUid, method.fullName, reason, () => encodedAgain(method, message));
  }

  /**
   * False when the link has ended, or no envelope has room for the name of the method. `encoded` returns the message, for the case that there
   * is room for it.
   */
  add(cUid: bigint, method: string, reason: ReturnReason, encoded: () => Uint8Array | undefined): boolean {
    if (!this.#link.isReading) return false;
    const report = this.#report(cUid, method, wireReasons[reason]);
    if (report === undefined) return false;
    this.count++;
    const hasRoom = this.#reportBytes + this.#link.lanes.waitingBytes <= this.#waitingReplies.allowance;
    this.#addTell(report, hasRoom ? encoded() : undefined);
    if (this.#reportBytes >= limits.frameBytes) this.send();
    this.#link.written();
    return true;
  }

  /** An ask has found that the actor has stopped: its caller need not try again. */
  actorEnded(cUid: bigint, method: string): void {
    if (this.#report(cUid, method, v1.Undelivered_Reason.STOPPED) !== undefined) this.#link.written();
  }

  /** Writes what is to be reported. */
  send(): void {
    if (this.#reports.size === 0) return;
    const reports = [...this.#reports.values()];
    this.#reports = new Map();
    this.#last = undefined;
    this.#reportBytes = 0;
    const { [Lane.control]: controlTellsTaken, [Lane.data]: dataTellsTaken } = this.#arrived;
    for (const report of reports) {
      const { sizeBytes: _, ...value } = report;
      const sequence = ++this.#sequence;
      this.#link.outgoing.report({ ...value, controlTellsTaken, dataTellsTaken, sequence });
    }
  }

  /** The link has ended by `cause`, and the peer may not have this report: its tells are dead letters here. */
  lost({ cUid, method, reason, tells }: v1.Undelivered, cause: Error | undefined): void {
    const path = pathHere(this.#system, cUid, method);
    for (let count = 0; count < tells; count++) {
      // The actor may have ended, and with it what is known of its methods.
      this.#system.addDeadLetter(path, method, undefined, returnReasonOf(reason) ?? 'stopped', cause);
    }
  }

  #addTell(report: Report, message: Uint8Array | undefined): void {
    const sizeBytes = (message?.length ?? 0) + MESSAGE_BYTES;
    const isFull = message !== undefined && report.sizeBytes + sizeBytes > this.#largestBytes;
    if (isFull && report.messages.length > 0) {
      this.send();
      const next = this.#report(report.cUid, report.method, report.reason);
      if (next !== undefined) this.#addTell(next, message);
      return;
    }
    report.tells++;
    if (message === undefined || isFull) return;
    report.messages.push(message);
    report.sizeBytes += sizeBytes;
    this.#reportBytes += sizeBytes;
  }

  /** Undefined where the name of the method alone is too long for an envelope. */
  #report(cUid: bigint, method: string, reason: v1.Undelivered_Reason): Report | undefined {
    const last = this.#last;
    if (last !== undefined && last.cUid === cUid && last.method === method && last.reason === reason) return last;
    const key = `${cUid} ${reason} ${method}`;
    let report = this.#reports.get(key);
    if (report === undefined) {
      const sizeBytes = REPORT_BYTES + utf8.encode(method).length;
      if (sizeBytes > this.#largestBytes) return undefined;
      const path = shortened(this.#system.pathOf(cUid) ?? '', this.#largestBytes - sizeBytes);
      report = { cUid, path: path.text, method, reason, tells: 0, messages: [], sizeBytes: sizeBytes + path.sizeBytes };
      this.#reports.set(key, report);
      this.#reportBytes += report.sizeBytes;
    }
    this.#last = report;
    return report;
  }
}

/** As much of a path as a peer accepts and the bytes allow, in whole characters. */
function shortened(path: string, bytes: number): { readonly text: string; readonly sizeBytes: number } {
  const { read, written } = utf8.encodeInto(path, new Uint8Array(Math.min(bytes, limits.nameCharacters)));
  return { text: path.slice(0, read), sizeBytes: written };
}

/** Undefined for a message that could not be read, and one that a handler has changed before it stashed it, so that it does not fit its type any more. */
function encodedAgain(method: AnyMethod, message: unknown): Uint8Array | undefined {
  if (message === undefined) return undefined;
  try {
    return encode(method.request, message);
  } catch {
    return undefined;
  }
}

const wireReasons: Readonly<Record<ReturnReason, v1.Undelivered_Reason>> = {
  stopped: v1.Undelivered_Reason.STOPPED,
  unreachable: v1.Undelivered_Reason.UNREACHABLE,
  'unknown method': v1.Undelivered_Reason.UNKNOWN_METHOD,
  malformed: v1.Undelivered_Reason.MALFORMED,
};

export function returnReasonOf(reason: v1.Undelivered_Reason): ReturnReason | undefined {
  switch (reason) {
    case v1.Undelivered_Reason.STOPPED:
      return 'stopped';
    case v1.Undelivered_Reason.UNKNOWN_METHOD:
      return 'unknown method';
    case v1.Undelivered_Reason.MALFORMED:
      return 'malformed';
    case v1.Undelivered_Reason.UNREACHABLE:
      return 'unreachable';
    default:
      return undefined;
  }
}

/** The delivery of a tell from a link that contains only the size of its message, so that messages of one size can share it. */
class SizedTell implements Delivery {
  readonly deadlineMs = Number.POSITIVE_INFINITY;
  readonly chain = undefined;
  readonly meta = undefined;
  readonly sender = undefined;
  readonly sizeBytes: number;
  readonly #undelivered: UndeliveredTells;

  constructor(sizeBytes: number, undelivered: UndeliveredTells) {
    this.sizeBytes = sizeBytes;
    this.#undelivered = undelivered;
  }

  get link(): MessageLink {
    return this.#undelivered.link;
  }

  reply(): void {}

  fail(): void {}

  giveBack(addressee: Addressee, method: AnyMethod, message: unknown, reason: ReturnReason): boolean {
    return this.#undelivered.giveBack(addressee, method, message, reason);
  }
}
