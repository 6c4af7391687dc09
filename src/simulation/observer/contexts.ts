import type { Behavior, Context, UntypedSpawnOptions } from '../../actors/kernel/index.js';
import type { AnyService, ServiceRefInit } from '../../protocol/index.js';
import type { ObservedActor } from './actor.js';
import type { Observer } from './observer.js';

/** Wraps the contexts of an actor, so that the references which it gets are observed too. */
export class Contexts {
  readonly #actor: ObservedActor;
  readonly #observer: Observer;
  readonly #made = new WeakMap<Context, Context>();

  constructor(actor: ObservedActor, observer: Observer) {
    this.#actor = actor;
    this.#observer = observer;
  }

  of(context: Context): Context {
    const known = this.#made.get(context) ?? this.#make(context);
    this.#made.set(context, known);
    return known;
  }

  #make(context: Context): Context {
    const actor = this.#actor;
    const observer = this.#observer;
    const own = new Map<PropertyKey, unknown>([
      ['self', observer.reference(context.self.service, context.self, actor)],
      [
        'ref',
        <S extends AnyService>(service: S, ref: ServiceRefInit<S> | undefined) =>
          observer.reference(service, context.ref(service, ref), actor),
      ],
      [
        'spawn',
        <S extends AnyService>(child: Behavior<S, unknown, unknown>, options?: UntypedSpawnOptions) =>
          observer.spawn(actor.host, actor, child, (observed) => context.spawn(observed, options)),
      ],
    ]);
    return new Proxy(context, { get: (target, key): unknown => (own.has(key) ? own.get(key) : bound(target, key)) });
  }
}

function bound(target: object, key: PropertyKey): unknown {
  const value: unknown = Reflect.get(target, key);
  if (typeof value !== 'function') return value;
  return (...args: unknown[]): unknown => Reflect.apply(value, target, args);
}
