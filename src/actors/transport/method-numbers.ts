import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { AnyMethod } from '../../protocol/index.js';

/**
 * Methods travel as small numbers, agreed on for each link and direction. The sender numbers a method when it first uses it, and sends
 * its name along until the receiver has said that it knows the number.
 */
export class OutgoingMethods {
  readonly #numbers = new Map<string, number>();
  readonly #methods: AnyMethod[] = [];
  readonly #isBound: boolean[] = [];
  /** Most messages are of the method of the one before. */
  #last: AnyMethod | undefined;
  #lastNumber = 0;

  /** ProtocolError when the link has all the methods that it may have. */
  number(method: AnyMethod): number {
    if (method !== this.#last) {
      this.#lastNumber = this.#numbers.get(method.fullName) ?? this.#give(method);
      this.#last = method;
    }
    return this.#lastNumber;
  }

  /** The one that was given this number. */
  method(number: number): AnyMethod | undefined {
    return this.#methods[number - 1];
  }

  isBound(number: number): boolean {
    return this.#isBound[number] === true;
  }

  bound(number: number): void {
    if (number < 1 || number > this.#numbers.size) {
      throw new ProtocolError(`The peer knows method number ${number}, which was never given to any.`);
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

/** Holds names of methods that exist here only, so that no peer can fill it with others. */
export class IncomingMethods {
  readonly #names: string[] = [];

  bind(number: number, fullName: string): void {
    const known = this.#names[number];
    if (known !== undefined && known !== fullName) {
      throw new ProtocolError(`Method number ${number} was ${known} and cannot become ${fullName}.`);
    }
    if (number < 1 || number > limits.linkMethods) {
      throw new ProtocolError(`A method number lies between 1 and ${limits.linkMethods}; got ${number}.`);
    }
    this.#names[number] = fullName;
  }

  name(number: number): string {
    const name = this.#names[number];
    if (name === undefined) {
      throw new ProtocolError(`Method number ${number} has no name on this link.`);
    }
    return name;
  }
}
