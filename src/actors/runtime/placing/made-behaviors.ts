import type { AnyBehavior } from '../../kernel/index.js';
import type { Component } from './component.js';

/** What made the behavior of a placed actor. */
export interface Making {
  readonly component: Component;
  /** Of the factory, encoded. */
  readonly args: Uint8Array;
}

/** By the behavior. A factory that returns one behavior for several actors makes it of the last arguments: it does not need them. */
const makings = new WeakMap<AnyBehavior, Making>();

/** As `component.behaviorFor`. Remembers what the behavior is made of, for recordings. */
export function madeBehavior(component: Component, args: Uint8Array): AnyBehavior {
  const made = component.behaviorFor(args);
  makings.set(made, { component, args });
  return made;
}

/** Undefined for a behavior of an actor that is not placed. */
export function makingOf(made: AnyBehavior): Making | undefined {
  return makings.get(made);
}
