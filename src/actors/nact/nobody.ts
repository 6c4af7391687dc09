/** In the place of a sender that there is not. */
export class Nobody {
  readonly type = 'nobody';
  readonly system = { name: undefined };
  readonly path = { parts: [] };

  receive(): boolean {
    return true;
  }
}
