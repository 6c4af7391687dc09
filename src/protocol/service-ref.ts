import type { Ref, RefInit } from './generated/millrace/v1/ref.js';
import type { AnyService } from './service.js';

/** Exists for the compiler alone. */
declare const spoken: unique symbol;

/**
 * A reference that travels in messages, to an actor of the service `S`. References of actors have it (`ref.toRef()`), and so have fields of
 * `millrace.v1.Ref` with the option `(millrace.v1.service)`. A `Ref` whose service the compiler does not know is accepted where one is needed.
 *
 *     const stock: ServiceRef<Stock> = stockRef.toRef();
 *     ctx.ref(Stock, stock);      // ActorRef<Stock>
 *     ctx.ref(Orders, stock);     // does not compile, and throws ProtocolError
 */
export interface ServiceRef<S extends AnyService> extends Ref {
  readonly [spoken]?: S;
}

/** What a {@link ServiceRef} is created from. */
export interface ServiceRefInit<S extends AnyService> extends RefInit {
  readonly [spoken]?: S;
}
