import { assertEqual, countIn, Kind, messageOf, Messages } from './messages.js';
import { Sender, type Wire } from './wire.js';

/** The far end of a wire: counts messages, confirms when all announced ones have arrived, and replies to asks. */
export function serveWire(wire: Wire): void {
  const sender = new Sender(wire);
  const replies = new Messages(Kind.reply);
  const pieces = new Messages(Kind.piece);
  let announced = 0;
  let arrived = 0;

  const count = (): void => {
    arrived += 1;
    if (arrived === announced) sender.send(messageOf(Kind.confirm, undefined, arrived));
  };

  wire.onMessage = (bytes, start, length) => {
    switch (bytes[start]) {
      case Kind.note:
        return count();
      case Kind.piece:
        assertEqual(pieces.of(length), bytes, start, length);
        return count();
      case Kind.ask:
        return sender.send(replies.of(length));
      case Kind.announce:
        announced = countIn(bytes, start);
        arrived = 0;
        return undefined;
      default:
        throw new Error(`unknown message kind ${bytes[start]}`);
    }
  };
}
