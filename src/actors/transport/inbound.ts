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
import type { Cell } from '../kernel/index.js';
import type { Channel } from './channel.js';
import { cUidOf } from './halves.js';
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
  readonly #methods = new WeakMap<AnyService, ReadonlyMap<string, AnyMethod>>();

  constructor(services: RouterServices, channel: Channel) {
    this.#services = services;
    this.#channel = channel;
  }

  deliver(bytes: Uint8Array, view: EnvelopeView, methodName: string): void {
    const isAsk = view.mode === EnvelopeMode.ask;
    const correlation = isAsk ? view.correlation : 0;
    const target = this.#target(view);
    if (target === undefined) {
      const cUid = cUidOf(view.toLow, view.toHigh);
      this.#undelivered(new StoppedError(`Actor ${cUid} has stopped, or never existed.`), correlation, methodName);
      return;
    }
    const method = target.methods.get(methodName);
    if (method === undefined) {
      const error = new ProtocolError(`${methodName} is no method of ${target.cell.service.typeName}.`);
      this.#refuse(error, correlation);
      return;
    }
    const message = this.#decode(bytes, view, method, correlation);
    const hasExtras = isAsk || view.meta !== undefined || view.hasFrom;
    const delivery = hasExtras
      ? new RemoteDelivery(this.#channel, method, view, this.#services.scheduler.now())
      : undefined;
    try {
      if (!target.cell.deliver(method, message, delivery)) {
        this.#channel.pressure.passed(cUidOf(view.toLow, view.toHigh), target.cell);
      }
    } catch (error) {
      if (error instanceof StoppedError) {
        this.#targets.delete(view.toLow);
      }
      if (!(error instanceof MillraceError)) {
        throw error;
      }
      delivery?.fail(error);
    }
  }

  #decode(bytes: Uint8Array, view: EnvelopeView, method: AnyMethod, correlation: number): unknown {
    try {
      return readValue(method.request, this.#reader, bytes, view.valueStart, view.valueEnd);
    } catch (error) {
      if (error instanceof MillraceError && correlation !== 0) {
        this.#channel.failure(method, error, correlation);
      }
      throw error;
    }
  }

  /** Answered where somebody waits, and counted against the link all the same. */
  #refuse(error: ProtocolError, correlation: number): never {
    if (correlation !== 0) {
      this.#channel.failure({ lane: Lane.control }, error, correlation);
    }
    throw error;
  }

  #undelivered(error: MillraceError, correlation: number, method: string): void {
    if (correlation !== 0) {
      this.#channel.failure({ lane: Lane.control }, error, correlation);
    } else {
      this.#services.system.addDeadLetter(error.message, method, undefined, 'stopped');
    }
  }

  #target(view: EnvelopeView): Target | undefined {
    if (!view.hasTo) {
      throw new ProtocolError('The envelope says to nobody.');
    }
    const known = this.#targets.get(view.toLow);
    if (known !== undefined && known.high === view.toHigh) {
      return known;
    }
    const cell = this.#services.system.resolve(cUidOf(view.toLow, view.toHigh));
    if (cell === undefined) {
      return undefined;
    }
    const target = { cell, high: view.toHigh, methods: this.#methodsOf(cell.service) };
    this.#targets.set(view.toLow, target);
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
