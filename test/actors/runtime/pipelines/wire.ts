import type { Socket } from 'node:net';
import * as errors from '#src/errors.js';

type Packet<Call> =
  | { readonly call: Call; readonly number?: number }
  | { readonly reply: number; readonly value?: unknown; readonly error?: unknown };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Calls and their replies over a socket, a line of JSON each; calls begin at the other end in the order in which they were made here. */
export class Wire<Mine, Theirs> {
  readonly #socket: Socket;
  readonly #serve: (call: Theirs) => unknown;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  constructor(socket: Socket, serve: (call: Theirs) => unknown) {
    this.#socket = socket;
    this.#serve = serve;
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(JSON.parse(line, errorOf) as Packet<Theirs>);
    });
    // `close` comes behind it.
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the other end of the wire is gone'));
      this.#waiting.clear();
    });
  }

  /** Without a reply. */
  tell(call: Mine): void {
    this.#send({ call });
  }

  ask(call: Mine): Promise<unknown> {
    const number = ++this.#calls;
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the other end of the wire is gone'));
      this.#waiting.set(number, { resolve, reject });
      this.#send({ call, number });
    });
  }

  #take(packet: Packet<Theirs>): void {
    if ('call' in packet) return void this.#answer(packet.call, packet.number);
    const waiting = this.#waiting.get(packet.reply);
    this.#waiting.delete(packet.reply);
    if (packet.error instanceof Error) waiting?.reject(packet.error);
    else waiting?.resolve(packet.value);
  }

  async #answer(call: Theirs, number: number | undefined): Promise<void> {
    try {
      const value = await this.#serve(call);
      if (number !== undefined) this.#send({ reply: number, value });
    } catch (error) {
      if (number === undefined) throw error;
      this.#send({ reply: number, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #send(packet: Packet<Mine>): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(packet, plain)}\n`);
  }
}

/** An error as JSON has it. */
interface Told {
  readonly isError: true;
  readonly code: string;
  readonly message: string;
}

function plain(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const code = value instanceof errors.MillraceError ? value.code : '';
  return { isError: true, code, message: value.message } satisfies Told;
}

/** An error of the class that it had, where that is one of ours. */
function errorOf(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('isError' in value)) return value;
  const { code, message } = value as Told;
  const { Refusal: _refusal, RefusedError: _refused, ...plainErrors } = errors;
  const classes: readonly (new (text: string) => errors.MillraceError)[] = Object.values(plainErrors);
  const Class = classes.find((each) => new each('').code === code) ?? Error;
  return new Class(message);
}
