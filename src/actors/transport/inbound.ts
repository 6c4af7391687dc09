import { MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import {
  type AnyMethod,
  type AnyService,
  EnvelopeMode,
  type EnvelopeView,
  Lane,
  readValue,
  WireReader,
} from '../../protocol/index.js';
import type { Cell, Watcher } from '../kernel/index.js';
import type { Channel } from './channel.js';
import { cUidOf, lowOf } from './halves.js';
import { IncomingMethods } from './method-numbers.js';
import { RemoteDelivery } from './remote-delivery.js';
import type { RouterServices } from './router-services.js';

interface Target {
  readonly cell: Cell;
  readonly high: number;
  readonly methods: ReadonlyMap<string, AnyMethod>;
  /** Of those, the ones that came before, by their numbers on this link. */
  readonly numbered: AnyMethod[];
}

/** Messages of one channel on their way to mailboxes: finds the actor, its method, decodes in place, delivers. */
export class Inbound {
  readonly #services: RouterServices;
  readonly #channel: Channel;
  readonly #reader = new WireReader();
  /** Actors found before, by the low half of their id: no bigint is made for a message to one of them. */
  readonly #targets = new Map<number, Target>();
  readonly #targetEnded: Watcher = { terminated: ({ cUid }) => this.#targets.delete(lowOf(cUid) | 0) };
  readonly #methods = new WeakMap<AnyService, ReadonlyMap<string, AnyMethod>>();
  readonly #numbers = new IncomingMethods();
  /** Numbers of which the peer was told in this frame. */
  readonly #told = new Set<number>();
  /** When this frame came, as soon as somebody asks. */
  #cameMs: number | undefined;

  constructor(services: RouterServices, channel: Channel) {
    this.#services = services;
    this.#channel = channel;
  }

  /** A number that comes with its name many times in one frame is acknowledged once. */
  beginFrame(): void {
    this.#cameMs = undefined;
    if (this.#told.size > 0) {
      this.#told.clear();
    }
  }

  deliver(bytes: Uint8Array, view: EnvelopeView): void {
    if (view.mode === EnvelopeMode.open && this.#isOpenedBefore(view)) {
      return;
    }
    const target = this.#target(view);
    if (target === undefined) {
      this.#undelivered(view, this.#methodName(view));
      return;
    }
    const method = this.#method(target, view);
    const message = this.#decode(bytes, view, method);
    // What it takes until it is handled: a message may be larger in memory than on the wire.
    const sizeBytes = Math.max(view.valueEnd - view.valueStart, this.#reader.allocatedBytes);
    if (view.mode === EnvelopeMode.open) {
      this.#open(target.cell, method, message, view, sizeBytes);
      return;
    }
    const isAsk = view.mode === EnvelopeMode.ask;
    const correlation = isAsk ? view.correlation : 0;
    const hasExtras =
      isAsk || method.lane === Lane.control || view.meta !== undefined || view.hasFrom || view.traceParent !== '';
    const delivery = hasExtras
      ? new RemoteDelivery(
          this.#channel,
          method,
          view,
          correlation,
          sizeBytes,
          (this.#cameMs ??= this.#services.scheduler.now()),
        )
      : this.#services.system.incomingTell(sizeBytes);
    try {
      if (!target.cell.deliver(method, message, delivery)) {
        this.#channel.pressure.passed(cUidOf(view.toLow, view.toHigh), target.cell);
      }
    } catch (error) {
      // A tell that found the mailbox full or closed: counted as a dead letter already.
      if (!(error instanceof MillraceError)) {
        throw error;
      }
    }
  }

  #isOpenedBefore(view: EnvelopeView): boolean {
    if (view.correlation === 0 || view.credit === 0) {
      throw new ProtocolError('A stream was opened without a correlation, or without credit for an element.');
    }
    return this.#channel.streams.isRepeated(view);
  }

  #open(cell: Cell, method: AnyMethod, message: unknown, view: EnvelopeView, sizeBytes: number): void {
    if (method.mode !== 'stream') {
      this.#refuse(new ProtocolError(`${method.fullName} returns no stream and cannot be opened.`), view);
    }
    this.#channel.streams.serve(cell, method, message, view, sizeBytes);
  }

  /** Nothing of the channel stays with the actors that it has reached. */
  close(): void {
    for (const { cell } of this.#targets.values()) {
      cell.unwatch(this.#targetEnded);
    }
    this.#targets.clear();
  }

  #method({ cell, methods, numbered }: Target, view: EnvelopeView): AnyMethod {
    const isNumbered = view.methodName === '';
    const known = isNumbered ? numbered[view.method] : undefined;
    if (known !== undefined) {
      return known;
    }
    const name = this.#methodName(view);
    const method = methods.get(name);
    if (method === undefined) {
      this.#refuse(new ProtocolError(`${name.slice(0, 200)} is no method of ${cell.service.typeName}.`), view);
    }
    if (isNumbered) {
      numbered[view.method] = method;
    } else {
      this.#bind(view, method);
    }
    return method;
  }

  #methodName(view: EnvelopeView): string {
    if (view.methodName !== '') {
      return view.methodName;
    }
    try {
      return this.#numbers.name(view.method);
    } catch (error) {
      return this.#refuse(error, view);
    }
  }

  #bind({ method: number }: EnvelopeView, { fullName }: AnyMethod): void {
    if (!this.#told.has(number)) {
      this.#numbers.bind(number, fullName);
      this.#told.add(number);
      this.#channel.say({ message: { case: 'methodBound', value: { method: number } } });
    }
  }

  #decode(bytes: Uint8Array, view: EnvelopeView, method: AnyMethod): unknown {
    try {
      return readValue(method.request, this.#reader, bytes, view.valueStart, view.valueEnd);
    } catch (error) {
      return this.#refuse(error, view);
    }
  }

  /** Answered where somebody waits, and counted against the link all the same. */
  #refuse(error: unknown, view: EnvelopeView): never {
    if (error instanceof MillraceError) {
      this.#answer(error, view);
    }
    throw error;
  }

  #undelivered(view: EnvelopeView, method: string): void {
    const cUid = cUidOf(view.toLow, view.toHigh);
    if (view.mode === EnvelopeMode.tell || view.correlation === 0) {
      this.#services.system.addDeadLetter(`actor ${cUid}`, method, undefined, 'stopped');
      return;
    }
    this.#answer(new StoppedError(`Actor ${cUid} has stopped, or never existed: ${method} was not delivered.`), view);
  }

  /** Where somebody waits. */
  #answer(error: MillraceError, { mode, correlation, passThrough }: EnvelopeView): void {
    if (mode === EnvelopeMode.open) {
      this.#channel.streams.refuse(correlation, error);
    } else if (mode === EnvelopeMode.ask && correlation !== 0) {
      this.#channel.failure(Lane.control, error, correlation, passThrough);
    }
  }

  #target(view: EnvelopeView): Target | undefined {
    if (!view.hasTo) {
      throw new ProtocolError('The envelope says to nobody.');
    }
    // Halves come signed or not: `| 0` makes them one.
    const low = view.toLow | 0;
    const known = this.#targets.get(low);
    if (known !== undefined && known.high === (view.toHigh | 0)) {
      return known;
    }
    const cell = this.#services.system.resolve(cUidOf(view.toLow, view.toHigh));
    if (cell === undefined) {
      return undefined;
    }
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
