/** A promise that its owner settles later. (`Promise.withResolvers` needs Node 22.) */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #settle: { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void } | undefined;
  #isSettled = false;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Does nothing if it is already settled. */
  resolve(value: T): void {
    this.#isSettled = true;
    this.#settle?.resolve(value);
  }

  /** Does nothing if it is already settled. */
  reject(error: unknown): void {
    this.#isSettled = true;
    this.#settle?.reject(error);
  }
}
