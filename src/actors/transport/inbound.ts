import { BackpressureError, MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import {
  type AnyMethod,
  type AnyService,
  EnvelopeMode,
  type EnvelopeView,
  Lane,
  readValue,
  WireReader,
} from '../../protocol/index.js';
import { limits } from '../../limits.js';
import type { Cell, ReturnReason, Watcher } from '../kernel/index.js';
import { arrivingFields, dropFields, encodedValue } from './arriving-fields.js';
import { cUidOf, lowOf } from './uint64-parts.js';
import { IncomingMethods } from './method-numbers.js';
import type { IncomingPressure } from './incoming-pressure.js';
import type { LinkStreams } from './link-streams.js';
import type { PeerClock } from './peer-clock.js';
import type { RouterServices } from './peer-link.js';
import { pathHere } from './peer-name.js';
import { type AnsweringLink, RemoteDelivery } from './remote-delivery.js';

interface Target {
  readonly cell: Cell;
  readonly high: number;
  readonly methods: ReadonlyMap<string, AnyMethod>;
  /** The methods that were called before, by their numbers on this link. */
  readonly numbered: AnyMethod[];
}

/** The channel, as what receives messages for actors sees it. */
export interface ReceivingChannel extends AnsweringLink {
  readonly streams: LinkStreams;
  readonly incoming: IncomingPressure;
  readonly clock: PeerClock;
  /** Counts an error of the peer against the link. */
  malformed(error: unknown): void;
}

/** The receiver of a tell, and its method. */
interface Destination {
  readonly cell: Cell;
  readonly method: AnyMethod;
}

/** The receiving half of a channel: finds the actor and the method of a message, decodes it in place, and delivers it. */
export class Inbound {
  readonly #services: RouterServices;
  readonly #channel: ReceivingChannel;
  readonly #reader = new WireReader();
  /** Actors found before, by the low 32 bits of their id: a message to one of them needs no bigint. */
  readonly #targets = new Map<number, Target>();
  /** Where the last message went: the next one most often goes there as well. */
  #last: Destination | undefined;
  readonly #targetEnded: Watcher = {
    terminated: ({ cUid }) => {
      this.#targets.delete(lowOf(cUid) | 0);
      this.#last = undefined;
    },
  };
  readonly #methods = new WeakMap<AnyService, ReadonlyMap<string, AnyMethod>>();
  readonly #numbers = new IncomingMethods();
  /** Method numbers that this frame has acknowledged already. */
  readonly #acknowledged = new Set<number>();
  /** Of this frame. */
  #lane: Lane = Lane.data;
  /** When this frame arrived; set on first use. */
  #receivedMs: number | undefined;
  /** When the calls of this frame were sent, as far as it is known that they were sent before it arrived. */
  #sentMs: number | undefined;

  constructor(services: RouterServices, channel: ReceivingChannel) {
    this.#services = services;
    this.#channel = channel;
  }

  /** A method number that arrives with its name many times in one frame is acknowledged once. */
  beginFrame(lane: Lane): void {
    this.#lane = lane;
    this.#receivedMs = undefined;
    this.#sentMs = undefined;
    if (this.#acknowledged.size > 0) this.#acknowledged.clear();
  }

  deliver(bytes: Uint8Array, view: EnvelopeView): void {
    // Also where this envelope is dropped: the next one may repeat it, and not the one before.
    if (!view.isRepeat) this.#last = undefined;
    if (view.mode === EnvelopeMode.tell) this.#tell(bytes, view);
    else this.#call(bytes, view);
  }

  #tell(bytes: Uint8Array, view: EnvelopeView): void {
    this.#channel.undelivered.arrived(this.#lane);
    const to = this.#destination(bytes, view);
    if (to === undefined) return;
    const { cell, method } = to;
    const { incoming } = this.#channel;
    if (incoming.mustPark(cell, method.lane)) incoming.park(cell, method.lane, bytes, view);
    else incoming.arrived(cell, method.lane, view, this.#deliverTo(cell, method, bytes, view));
  }

  #call(bytes: Uint8Array, view: EnvelopeView): void {
    if (view.mode === EnvelopeMode.open) {
      if (this.#isOpenedBefore(view)) {
        return;
      }
      if (!view.hasTo && view.requestStream !== 0) {
        this.#channel.streams.serveRequests(view);
        return;
      }
    }
    const to = this.#destination(bytes, view);
    if (to === undefined) return;
    const { cell, method } = to;
    const { incoming } = this.#channel;
    if (incoming.hasParked(cell)) {
      dropFields(this.#services, this.#channel, view);
      const text = `Earlier messages to ${cell.path} wait for room in its mailbox: try again later.`;
      this.#answer(new BackpressureError(text), view);
    } else {
      incoming.arrived(cell, method.lane, view, this.#deliverTo(cell, method, bytes, view));
    }
  }

  /** Undefined where there is no such actor: then the message is reported, or its caller answered. */
  #destination(bytes: Uint8Array, view: EnvelopeView): Destination | undefined {
    this.#last ??= this.#find(view);
    if (this.#last !== undefined) return this.#last;
    this.#undelivered(bytes, view, this.#methodName(view));
    return undefined;
  }

  #find(view: EnvelopeView): Destination | undefined {
    const target = this.#target(view);
    return target && { cell: target.cell, method: this.#method(target, view) };
  }

  deliverParked(cell: Cell, bytes: Uint8Array, view: EnvelopeView): void {
    try {
      this.#deliverTo(cell, this.#parkedMethod(cell, view), bytes, view);
    } catch (error) {
      this.#channel.malformed(error);
    }
  }

  loseParked(cell: Cell, bytes: Uint8Array, view: EnvelopeView): void {
    try {
      const method = this.#parkedMethod(cell, view);
      const encoded = (): Uint8Array | undefined => encodedValue(bytes, view);
      dropFields(this.#services, this.#channel, view);
      if (!this.#channel.undelivered.add(cell.cUid, method.fullName, 'stopped', encoded)) {
        const message = view.detached === undefined ? this.#message(bytes, view, method) : undefined;
        this.#services.system.addDeadLetter(cell, method.fullName, message, 'stopped');
      }
    } catch (error) {
      this.#channel.malformed(error);
    }
  }

  /** False when the mailbox is past its mark. */
  #deliverTo(cell: Cell, method: AnyMethod, bytes: Uint8Array, view: EnvelopeView): boolean {
    const isStreamed = method.streamsRequests === true;
    if (view.mode === EnvelopeMode.open && method.mode !== 'stream') {
      this.#refuse(new ProtocolError(`${method.fullName} returns no stream and cannot be opened.`), view);
    }
    if (isStreamed && !this.#isFirstArrival(method, view)) return true;
    const message = isStreamed ? this.#requests(cell, method, view) : this.#message(bytes, view, method);
    // The memory that the message takes until it is handled: it may be larger decoded than on the wire.
    const allocatedBytes = view.detached === undefined ? this.#reader.allocatedBytes : 0;
    const sizeBytes = isStreamed ? 0 : Math.max(view.valueEnd - view.valueStart, allocatedBytes);
    if (view.mode === EnvelopeMode.open) {
      this.#channel.streams.written.serve(cell, method, message, view, sizeBytes, this.#sentAt(view));
      return true;
    }
    const isAsk = view.mode === EnvelopeMode.ask;
    const correlation = isAsk ? view.correlation : 0;
    const hasExtras =
      isAsk || method.lane === Lane.control || view.meta !== undefined || view.hasFrom || view.traceParent !== '';
    const delivery = hasExtras
      ? new RemoteDelivery(this.#channel, method, view, correlation, sizeBytes, this.#sentAt(view))
      : this.#channel.undelivered.delivery(sizeBytes);
    try {
      return cell.deliver(method, message, delivery);
    } catch (error) {
      // The actor has stopped, and the sender was told so already.
      if (!(error instanceof MillraceError)) {
        throw error;
      }
      return true;
    }
  }

  /** The requests of a call, as its handler reads them. Those of an ask end at its deadline. */
  #requests(cell: Cell, method: AnyMethod, view: EnvelopeView): unknown {
    const isAsk = view.mode === EnvelopeMode.ask;
    const deadlineMs = isAsk ? this.#sentAt(view) + view.remainingMicroseconds / 1_000 : Number.POSITIVE_INFINITY;
    return cell.readRequests(method, this.#channel.streams.read.openRequests(method, view.requestStream), deadlineMs);
  }

  #isFirstArrival(method: AnyMethod, view: EnvelopeView): boolean {
    if (view.requestStream === 0 || view.mode === EnvelopeMode.tell) {
      this.#refuse(new ProtocolError(`${method.fullName} streams its requests, but the call names no stream.`), view);
    }
    try {
      return this.#channel.streams.written.isFirstArrival(view.requestStream);
    } catch (error) {
      return this.#refuse(error, view);
    }
  }

  #isOpenedBefore(view: EnvelopeView): boolean {
    if (view.correlation === 0 || view.credit === 0 || view.creditBytes === 0) {
      throw new ProtocolError('A stream was opened without a correlation, or without credit for an element.');
    }
    return this.#channel.streams.written.isRepeated(view);
  }

  /** The time from which the remaining time of a call counts, on the clock of this process. */
  #sentAt({ sentMs }: EnvelopeView): number {
    this.#receivedMs ??= this.#services.scheduler.now();
    if (sentMs >= 0) this.#sentMs = this.#receivedMs - this.#channel.clock.onWayMs(sentMs, this.#receivedMs);
    return this.#sentMs ?? this.#receivedMs;
  }

  /** Removes this channel's watches from the actors that it has reached. */
  close(): void {
    for (const { cell } of this.#targets.values()) {
      cell.unwatch(this.#targetEnded);
    }
    this.#targets.clear();
  }

  #method({ cell, methods, numbered }: Target, view: EnvelopeView): AnyMethod {
    const isNumbered = view.methodName === '';
    const known = isNumbered ? numbered[view.method] : undefined;
    if (known !== undefined) return known;
    const name = this.#methodName(view);
    const method = methods.get(name);
    if (method === undefined) {
      const text = `${name.slice(0, 200)} is no method of ${cell.service.typeName}.`;
      this.#refuse(new ProtocolError(text), view);
    }
    if (isNumbered) {
      numbered[view.method] = method;
    } else {
      this.#bind(view, method);
    }
    return method;
  }

  /** The method of a parked tell, which was known when it was parked. */
  #parkedMethod(cell: Cell, view: EnvelopeView): AnyMethod {
    const name = this.#methodName(view);
    const method = this.#methodsOf(cell.service).get(name);
    return method ?? this.#refuse(new ProtocolError(`${name.slice(0, 200)} is no method of its receiver.`), view);
  }

  #methodName(view: EnvelopeView): string {
    if (view.methodName !== '') return view.methodName;
    try {
      return this.#numbers.name(view.method);
    } catch (error) {
      return this.#refuse(error, view);
    }
  }

  #bind({ method: number }: EnvelopeView, { fullName }: AnyMethod): void {
    if (!this.#acknowledged.has(number)) {
      this.#numbers.bind(number, fullName);
      this.#acknowledged.add(number);
      this.#channel.sendControl({ message: { case: 'methodBound', value: { method: number } } });
    }
  }

  /** The message of an envelope. One whose large fields came beside it is read when its turn has come. */
  #message(bytes: Uint8Array, view: EnvelopeView, { request }: AnyMethod): unknown {
    try {
      return view.detached === undefined
        ? readValue(request, this.#reader, bytes, view.valueStart, view.valueEnd)
        : arrivingFields(this.#services, this.#channel, request, bytes, view);
    } catch (error) {
      return this.#reject(error, view, 'malformed');
    }
  }

  /** As `#reject`, for a message whose large fields were not received. */
  #refuse(error: unknown, view: EnvelopeView): never {
    dropFields(this.#services, this.#channel, view);
    return this.#reject(error, view, 'unknown method');
  }

  /** Answers a waiting caller with the error, or returns the tell, and throws the error, so that it counts against the link. */
  #reject(error: unknown, view: EnvelopeView, reason: ReturnReason): never {
    const { mode, methodName, method, toLow, toHigh } = view;
    const name = methodName === '' ? this.#numbers.find(method) : methodName;
    if (mode === EnvelopeMode.tell && name !== undefined && name.length <= limits.nameCharacters) {
      const cUid = cUidOf(toLow, toHigh);
      if (!this.#channel.undelivered.add(cUid, name, reason, () => undefined)) {
        const { system } = this.#services;
        system.addDeadLetter(pathHere(system, cUid, name), name, undefined, reason);
      }
    } else if (error instanceof MillraceError) {
      this.#answer(error, view);
    }
    throw error;
  }

  #undelivered(bytes: Uint8Array, view: EnvelopeView, method: string): void {
    dropFields(this.#services, this.#channel, view);
    const cUid = cUidOf(view.toLow, view.toHigh);
    if (method.length > limits.nameCharacters) {
      throw new ProtocolError(`The name of a method has ${method.length} characters.`);
    }
    if (view.mode === EnvelopeMode.tell) {
      this.#channel.undelivered.add(cUid, method, 'stopped', () => encodedValue(bytes, view));
      return;
    }
    const { system } = this.#services;
    const path = pathHere(system, cUid, method);
    if (view.correlation === 0) {
      system.addDeadLetter(path, method, undefined, 'stopped');
      return;
    }
    this.#channel.undelivered.actorEnded(cUid, method);
    this.#answer(new StoppedError(`${method} was not delivered: ${path} has stopped, or never existed.`), view);
  }

  /** Does nothing for a message whose sender waits for no reply. */
  #answer(error: MillraceError, { mode, correlation, passThrough }: EnvelopeView): void {
    if (mode === EnvelopeMode.open) {
      this.#channel.streams.written.refuse(correlation, error);
    } else if (mode === EnvelopeMode.ask && correlation !== 0) {
      this.#channel.failure(Lane.control, error, correlation, passThrough);
    }
  }

  #target(view: EnvelopeView): Target | undefined {
    if (!view.hasTo) throw new ProtocolError('The envelope has no receiver.');
    // The parts may be signed or unsigned; `| 0` makes both the same.
    const low = view.toLow | 0;
    const known = this.#targets.get(low);
    if (known !== undefined && known.high === (view.toHigh | 0)) return known;
    const cell = this.#services.system.resolve(cUidOf(view.toLow, view.toHigh));
    if (cell === undefined) return undefined;
    known?.cell.unwatch(this.#targetEnded);
    const target = { cell, high: view.toHigh | 0, methods: this.#methodsOf(cell.service), numbered: [] };
    this.#targets.set(low, target);
    cell.watch(this.#targetEnded);
    return target;
  }

  #methodsOf(service: AnyService): ReadonlyMap<string, AnyMethod> {
    let methods = this.#methods.get(service);
    if (methods === undefined) {
      methods = new Map(Object.values(service.methods).map((method) => [method.fullName, method]));
      this.#methods.set(service, methods);
    }
    return methods;
  }
}
