/** Counts what each link has of something. What is asked for within this process has no link, and is not counted. */
export class LinkShares {
  readonly #counts = new Map<object, number>();

  of(link: object | undefined): number {
    return link === undefined ? 0 : (this.#counts.get(link) ?? 0);
  }

  take(link: object | undefined): void {
    if (link !== undefined) this.#counts.set(link, this.of(link) + 1);
  }

  drop(link: object | undefined): void {
    if (link === undefined) return;
    const left = this.of(link) - 1;
    if (left > 0) this.#counts.set(link, left);
    else this.#counts.delete(link);
  }
}
