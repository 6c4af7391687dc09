/** One thing that is known of why something waits. */
export interface Fact {
  /** Such as `mailbox`, `handler`, `link` or `request`: see `Fact` of introspection.proto. */
  readonly kind: string;
  /** Path of the actor, address of the peer, or name of the component. */
  readonly subject: string;
  /** One sentence, or several. */
  readonly text: string;
  /** By names that have their unit, such as `waitedMs`. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** How likely this is why something waits, from 0 (it is not) to 100. Default 0. */
  readonly weight?: number;
}

/** What is above the kernel, such as a component network, says what it knows of the thing that has this name; nothing where it knows none. */
export type Explainer = (what: string) => readonly Fact[];
