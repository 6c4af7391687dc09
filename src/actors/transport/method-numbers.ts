import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { AnyMethod } from '../../protocol/index.js';

/**
 * Envelopes carry small method numbers, agreed on for each link and direction. The sender numbers a method when it first uses it, and
 * sends the method's name as well until the receiver has acknowledged the number.
 */
export class OutgoingMethods {
  readonly #numbers = new Map<string, number>();
  readonly #methods: AnyMethod[] = [];
  readonly #isBound: boolean[] = [];
  /** Most messages call the same method as the message before. */
  #last: AnyMethod | undefined;
  #lastNumber = 0;

  /** Throws ProtocolError when the link has its maximum of methods. */
  number(method: AnyMethod): number {
    if (method !== this.#last) {
      this.#lastNumber = this.#numbers.get(method.fullName) ?? this.#give(method);
      this.#last = method;
    }
    return this.#lastNumber;
  }

  /** The method that has this number. */
  method(number: number): AnyMethod | undefined {
    return this.#methods[number - 1];
  }

  /** The method that has this full name and a number. */
  named(fullName: string): AnyMethod | undefined {
    const number = this.#numbers.get(fullName);
    return number === undefined ? undefined : this.#methods[number - 1];
  }

  isBound(number: number): boolean {
    return this.#isBound[number] === true;
  }

  bound(number: number): void {
    if (number < 1 || number > this.#numbers.size) {
      throw new ProtocolError(`The peer acknowledges method number ${number}, which no method has.`);
    }
    this.#isBound[number] = true;
  }

  #give(method: AnyMethod): number {
    const { fullName } = method;
    const number = this.#numbers.size + 1;
    if (number > limits.linkMethods) {
      throw new ProtocolError(`${fullName} would be method ${number} on one link; the limit is ${limits.linkMethods}.`);
    }
    this.#numbers.set(fullName, number);
    this.#methods.push(method);
    return number;
  }
}

/**
 * The names of the peer's method numbers. Holds only names of methods that exist here, each with one number, so that no peer can fill it,
 * or the tables by number that are filled from it.
 */
export class IncomingMethods {
  readonly #names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#names.size;
  }

  /** Throws ProtocolError for a number or a name that has another already. */
  bind(number: number, fullName: string): void {
    if (number < 1 || number > limits.linkMethods) {
      throw new ProtocolError(`A method number must be between 1 and ${limits.linkMethods}, not ${number}.`);
    }
    const [knownName, knownNumber] = [this.#names.get(number), this.#numbers.get(fullName)];
    if ((knownName ?? fullName) !== fullName) {
      throw new ProtocolError(`Method number ${number} was ${knownName} and cannot become ${fullName}.`);
    }
    if ((knownNumber ?? number) !== number) {
      throw new ProtocolError(`${fullName} is method ${knownNumber} of this link and cannot become ${number}, too.`);
    }
    this.#names.set(number, fullName);
    this.#numbers.set(fullName, number);
  }

  find(number: number): string | undefined {
    return this.#names.get(number);
  }

  name(number: number): string {
    const name = this.#names.get(number);
    if (name === undefined) {
      throw new ProtocolError(`Method number ${number} has no name on this link.`);
    }
    return name;
  }
}
