/** The sender of a message that was dispatched without one. Ignores messages. */
export class Nobody {
  readonly type = 'nobody';
  readonly system = { name: undefined };
  readonly path = { parts: [] };

  receive(): boolean {
    return true;
  }
}
