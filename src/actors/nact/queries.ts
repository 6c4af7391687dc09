import { hasMark } from '../../foreign.js';
import { nactSystems } from './internals.js';

/** A pending query. */
interface Answerable {
  readonly id: number;
  receive(answer: { readonly message: unknown }): boolean;
}

/** The pending queries of one system. nact's own `dispatch` finds them by their ids. */
export class Queries {
  readonly #waiting = new Map<number, Answerable>();
  #lastId = 0;

  nextId(): number {
    return ++this.#lastId;
  }

  expect(query: Answerable): void {
    this.#waiting.set(query.id, query);
  }

  forget(query: Answerable): void {
    this.#waiting.delete(query.id);
  }

  find(id: number): Answerable | undefined {
    return this.#waiting.get(id);
  }
}

/** Property of Millrace's systems in nact's registry, whichever copy of Millrace has registered them. */
export const systemBrand: unique symbol = Symbol.for('millrace.nact.system');

export interface RegisteredSystem {
  readonly [systemBrand]: true;
  readonly queries: Queries;
}

/** Millrace's system of this name in nact's registry; undefined when it has stopped. */
export function registeredSystem(name: string): RegisteredSystem | undefined {
  const found: unknown = nactSystems.find(name);
  return isRegistered(found) ? found : undefined;
}

function isRegistered(value: unknown): value is RegisteredSystem {
  return hasMark(value, systemBrand);
}
