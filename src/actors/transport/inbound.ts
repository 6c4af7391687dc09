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

  constructor(services: RouterServices, channel: Channel) {
    this.#services = services;
    this.#channel = channel;
  }

  /** A number that comes with its name many times in one frame is acknowledged once. */
  beginFrame(): void {
    if (this.#told.size > 0) {
      this.#told.clear();
    }
  }

  deliver(bytes: Uint8Array, view: EnvelopeView): void {
    const isAsk = view.mode === EnvelopeMode.ask;
    const correlation = isAsk ? view.correlation : 0;
    const name = this.#methodName(view, correlation);
    const target = this.#target(view);
    if (target === undefined) {
      this.#undelivered(cUidOf(view.toLow, view.toHigh), correlation, name);
      return;
    }
    const method = target.methods.get(name);
    if (method === undefined) {
      this.#refuse(
        new ProtocolError(`${name.slice(0, 200)} is no method of ${target.cell.service.typeName}.`),
        correlation,
      );
    }
    this.#bind(view, method);
    const message = this.#decode(bytes, view, method, correlation);
    const hasExtras = isAsk || view.meta !== undefined || view.hasFrom;
    const delivery = hasExtras
      ? new RemoteDelivery(this.#channel, method, view, correlation, this.#services.scheduler.now())
      : this.#services.system.incomingTell(view.valueEnd - view.valueStart);
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

  /** Nothing of the channel stays with the actors that it has reached. */
  close(): void {
    for (const { cell } of this.#targets.values()) {
      cell.unwatch(this.#targetEnded);
    }
    this.#targets.clear();
  }

  #methodName(view: EnvelopeView, correlation: number): string {
    if (view.methodName !== '') {
      return view.methodName;
    }
    try {
      return this.#numbers.name(view.method);
    } catch (error) {
      return this.#refuse(error, correlation);
    }
  }

  #bind({ method: number, methodName }: EnvelopeView, { fullName }: AnyMethod): void {
    if (methodName !== '' && !this.#told.has(number)) {
      this.#numbers.bind(number, fullName);
      this.#told.add(number);
      this.#channel.say({ message: { case: 'methodBound', value: { method: number } } });
    }
  }

  #decode(bytes: Uint8Array, view: EnvelopeView, method: AnyMethod, correlation: number): unknown {
    try {
      return readValue(method.request, this.#reader, bytes, view.valueStart, view.valueEnd);
    } catch (error) {
      return this.#refuse(error, correlation);
    }
  }

  /** Answered where somebody waits, and counted against the link all the same. */
  #refuse(error: unknown, correlation: number): never {
    if (correlation !== 0 && error instanceof MillraceError) {
      this.#channel.failure(Lane.control, error, correlation);
    }
    throw error;
  }

  #undelivered(cUid: bigint, correlation: number, method: string): void {
    if (correlation === 0) {
      this.#services.system.addDeadLetter(`actor ${cUid}`, method, undefined, 'stopped');
      return;
    }
    const error = new StoppedError(`Actor ${cUid} has stopped, or never existed: ${method} was not delivered.`);
    this.#channel.failure(Lane.control, error, correlation);
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
    const target = { cell, high: view.toHigh | 0, methods: this.#methodsOf(cell.service) };
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
