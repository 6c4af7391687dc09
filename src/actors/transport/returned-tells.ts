import { ProtocolError } from '../../errors.js';
import { ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { RecentMap } from '../../recent-map.js';
import { type AnyMethod, decode, type v1 } from '../../protocol/index.js';
import type { ReturnReason } from '../kernel/index.js';
import { RecentIds } from './recent-ids.js';
import type { PeerLink, RouterServices } from './peer-link.js';
import { returnReasonOf } from './undelivered-tells.js';

/**
 * The sender's end of UndeliveredTells: tells that the peer has taken and no actor of it will handle become dead letters here. Remembers
 * the actors that have ended, so that nothing more is sent to them.
 */
export class ReturnedTells {
  readonly #services: Pick<RouterServices, 'system'>;
  readonly #peer: PeerLink;
  /** Actors that have ended. Past `linkEndedActors` the oldest is forgotten: the next tell to it is sent, and returned. */
  readonly #ended = new RecentMap<bigint, true>(limits.linkEndedActors);
  #returned = 0;
  /** Reports that have arrived over a link that may repeat frames. */
  readonly #seen = new RecentIds(limits.linkRepeatedReports);

  constructor(services: Pick<RouterServices, 'system'>, peer: PeerLink) {
    this.#services = services;
    this.#peer = peer;
  }

  hasEnded(cUid: bigint): boolean {
    return this.#ended.size > 0 && this.#ended.has(cUid);
  }

  /** The peer says that this actor has stopped, or never existed. An infrastructure actor may not have started yet. */
  actorEnded(cUid: bigint): void {
    if (ownerOrdinal(cUid) === undefined) return;
    this.#ended.set(cUid, true);
  }

  /** Throws ProtocolError for a report that does not fit what was sent. */
  onUndelivered(report: v1.Undelivered): void {
    const { cUid, path, tells, controlTellsTaken, dataTellsTaken } = report;
    const { outgoing, lanes, isReliable } = this.#peer;
    const method = outgoing.methods.named(report.method);
    const reason = returnReasonOf(report.reason);
    if (method === undefined || reason === undefined || tells < report.messages.length) {
      throw new ProtocolError(`The peer returns ${tells} tells that were not sent: ${report.method.slice(0, 200)}.`);
    }
    if (path.length > limits.nameCharacters) {
      throw new ProtocolError(`The path of an actor of the peer has ${path.length} characters.`);
    }
    const unreturned = lanes.tells - this.#returned;
    if (isReliable && tells > unreturned) {
      throw new ProtocolError(`The peer returns ${tells} tells, of ${unreturned} that it may have.`);
    }
    const messages = report.messages.map((message) => returned(method, message, reason));
    // A peer names its own actors only.
    if (path !== '' && ownerOrdinal(cUid) === this.#peer.peer?.ordinal) this.#services.system.knows(cUid, path);
    if (reason === 'stopped') this.actorEnded(cUid);
    if (!isReliable && !this.#seen.add(report.sequence)) return;
    if (isReliable) {
      lanes.control.takenTells(controlTellsTaken);
      lanes.data.takenTells(dataTellsTaken);
    }
    // A link that repeats frames may have repeated the tells: rather is one reported twice than another not at all.
    this.#return(cUid, method, reason, messages, tells);
  }

  #return(cUid: bigint, { fullName }: AnyMethod, reason: ReturnReason, messages: readonly unknown[], tells: number) {
    this.#returned += tells;
    const path = this.#peer.pathOf(cUid);
    for (let index = 0; index < tells; index++) {
      this.#services.system.addDeadLetter(path, fullName, messages[index], reason);
    }
  }
}

/** What could not be decoded there may not be decoded here either: then the dead letter has no message. */
function returned({ request }: AnyMethod, message: Uint8Array, reason: ReturnReason): unknown {
  try {
    return decode(request, message);
  } catch (error) {
    if (!(error instanceof ProtocolError) || reason !== 'malformed') throw error;
    return undefined;
  }
}
