/** A reply that comes later, while the actor goes on with its next messages. Made by `later`. */
export class Later<Reply> {
  readonly reply: Promise<Reply>;

  constructor(reply: Promise<Reply>) {
    this.reply = reply;
  }
}

/**
 * Returned by an ask's handler in place of a promise, it answers the ask when `reply` settles but does not hold the mailbox. Use
 * it for questions that wait for something that only a later message brings. A rejection goes to the asker alone: the actor does
 * not fail. When the actor stops or restarts first, the ask fails with StoppedError.
 *
 *     lookup: (registry, { name }) => registry.find(name) ?? later(new Promise((found) => registry.wait(name, found))),
 */
export function later<Reply>(reply: Promise<Reply>): Later<Reply> {
  return new Later(reply);
}
