import { limits } from '../../limits.js';
import { type AnyMethod, encode, Lane, v1 } from '../../protocol/index.js';
import type { Addressee, Delivery, ReturnReason } from '../kernel/index.js';
import type { PeerLink, RouterServices } from './peer-link.js';

/** Messages of one size, up to this many bytes, share a delivery. */
const SHARED_BYTES = 1_024;
/** What a report and its envelope take beside the messages and the name of the method, in bytes: more than they can. */
const REPORT_BYTES = 128;
/** The same for each message of a report. */
const MESSAGE_BYTES = 5;

/** Tells of one method to one actor, with one reason. */
interface Report {
  readonly cUid: bigint;
  readonly method: string;
  readonly reason: v1.Undelivered_Reason;
  tells: number;
  readonly messages: Uint8Array[];
}

/** What reports need of the channel. */
interface ReportingLink extends Pick<PeerLink, 'outgoing' | 'lanes' | 'written'> {
  /** It is open, or will be. */
  readonly mayReport: boolean;
}

/**
 * The receiver's end: tells that have arrived over one link and that no actor will handle. They are reported to the peer once a turn, with
 * their messages, because they are dead letters of their sender's process (see ReturnedTells). A report that its peer has not taken
 * when the link ends makes them dead letters here.
 *
 * When more waits for the link than its replies may take, the messages are left out, and only their number is reported.
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
  giveBack({ cUid }: Addressee, method: AnyMethod, message: unknown, reason: ReturnReason): boolean {
    return this.add(cUid, method.fullName, reason, () => encodedAgain(method, message));
  }

  /** False when the link has ended. `encoded` returns the message, for the case that there is room for it. */
  add(cUid: bigint, method: string, reason: ReturnReason, encoded: () => Uint8Array | undefined): boolean {
    if (!this.#link.mayReport) return false;
    const report = this.#report(cUid, method, wireReasons[reason]);
    report.tells++;
    this.count++;
    if (this.#reportBytes + this.#link.lanes.waitingBytes <= this.#waitingReplies.allowance) {
      this.#addMessage(report, encoded());
    }
    if (this.#reportBytes >= limits.frameBytes) this.send();
    this.#link.written();
    return true;
  }

  /** An ask has found that the actor has stopped: its caller need not try again. */
  actorEnded(cUid: bigint, method: string): void {
    this.#report(cUid, method, v1.Undelivered_Reason.STOPPED);
    this.#link.written();
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
      const sequence = ++this.#sequence;
      this.#link.outgoing.report({ ...report, controlTellsTaken, dataTellsTaken, sequence });
    }
  }

  /** The link has ended, and the peer may not have this report: its tells are dead letters here. */
  lost({ cUid, method, reason, tells }: v1.Undelivered): void {
    for (let count = 0; count < tells; count++) {
      // The actor may have ended, and with it what is known of its methods.
      this.#system.addDeadLetter(`actor ${cUid}`, method, undefined, returnReasonOf(reason) ?? 'stopped');
    }
  }

  #addMessage(report: Report, message: Uint8Array | undefined): void {
    if (message === undefined || message.length + REPORT_BYTES + report.method.length > this.#largestBytes) return;
    report.messages.push(message);
    this.#reportBytes += message.length + MESSAGE_BYTES;
  }

  #report(cUid: bigint, method: string, reason: v1.Undelivered_Reason): Report {
    const last = this.#last;
    if (last !== undefined && last.cUid === cUid && last.method === method && last.reason === reason) return last;
    const key = `${cUid} ${reason} ${method}`;
    let report = this.#reports.get(key);
    if (report === undefined) {
      report = { cUid, method, reason, tells: 0, messages: [] };
      this.#reports.set(key, report);
      this.#reportBytes += REPORT_BYTES + method.length;
    }
    this.#last = report;
    return report;
  }
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

  reply(): void {}

  fail(): void {}

  giveBack(addressee: Addressee, method: AnyMethod, message: unknown, reason: ReturnReason): boolean {
    return this.#undelivered.giveBack(addressee, method, message, reason);
  }
}
