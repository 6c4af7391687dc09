/** The class of which all errors of Millrace are, and how `instanceof` knows them: see errors.ts. This file imports nothing. */

/** Property of every error of Millrace. */
const brand: unique symbol = Symbol.for('millrace.error');
/** Property of each class of this file: the `code` of its errors. */
const classCode: unique symbol = Symbol('code');

/** Written out, because a minifier changes the names of classes. */
export function define(errorClass: { readonly prototype: object }, name: string, code: string): void {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, writable: true, configurable: true });
  Object.defineProperty(errorClass, classCode, { value: code });
}

/** Common ancestor: `catch (error) { if (error instanceof MillraceError) ... }`. */
export class MillraceError extends Error {
  static {
    define(this, 'MillraceError', 'MILLRACE');
    Object.defineProperty(this.prototype, brand, { value: true });
  }

  readonly code: string = 'MILLRACE';

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    try {
      if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
      return Object.hasOwn(this, classCode) && isBranded(value) && (this === MillraceError || isOfClass(this, value));
    } catch {
      // A proxy, whose traps throw.
      return false;
    }
  }
}

function isBranded(value: object): value is MillraceError {
  return brand in value;
}

function isOfClass(errorClass: object, error: MillraceError): boolean {
  return classCode in errorClass && errorClass[classCode] === error.code;
}
