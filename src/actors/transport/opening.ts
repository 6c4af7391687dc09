/** Those who wait for a link to open. Settles once; whoever asks later learns the same. */
export class Opening {
  readonly done: Promise<void>;
  opened: () => void = () => {};
  failed: (error: Error) => void = () => {};

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.opened = resolve;
      this.failed = reject;
    });
    // Mostly nobody waits.
    this.done.catch(() => {});
  }
}
