/** The end of a stream on its way: `done` resolves when every reader has it. Nobody needs to wait for it. */
export class Ending {
  readonly done: Promise<void>;
  isDone = false;
  #settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } = {
    resolve: () => {},
    reject: () => {},
  };

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.done.catch(() => {});
  }

  resolve(): void {
    this.isDone = true;
    this.#settle.resolve();
  }

  reject(error: Error): void {
    this.#settle.reject(error);
  }
}
