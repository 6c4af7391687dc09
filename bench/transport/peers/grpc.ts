import {
  Client as GrpcClient,
  credentials,
  type handleClientStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { assertEqual, Kind, Messages } from '../messages.js';
import { type Client, type Peer, textOf } from '../peer.js';

const same = (bytes: Buffer): Buffer => bytes;
const bytes = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
/** Messages are plain bytes: this does not measure a codec. */
const echo = { path: '/bench.Far/Echo', requestStream: false, responseStream: false, ...bytes };
const count = { path: '/bench.Far/Count', requestStream: true, responseStream: false, ...bytes };
const service: ServiceDefinition = { echo, count };
const options = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
const pieces = new Messages(Kind.piece);

export const grpc: Peer = {
  serve: async () => {
    const server = new Server(options);
    server.addService(service, { echo: answer, count: countAll });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
  },
  connect: (address) => Promise.resolve(new GrpcPeerClient(textOf(address))),
};

const answer: handleUnaryCall<Buffer, Buffer> = ({ request }, reply) => reply(null, request);

const countAll: handleClientStreamingCall<Buffer, Buffer> = (call, reply) => {
  let arrived = 0;
  call.on('data', (message: Buffer) => {
    if (message[0] === Kind.piece) assertEqual(pieces.of(message.length), message);
    arrived += 1;
  });
  call.on('end', () => reply(null, Buffer.from(String(arrived))));
};

class GrpcPeerClient implements Client {
  readonly #client: GrpcClient;
  readonly #notes = new Messages(Kind.note);

  constructor(address: string) {
    this.#client = new GrpcClient(address, credentials.createInsecure(), options);
  }

  tell(sizeBytes: number, total: number): Promise<void> {
    return this.#send(this.#notes.of(sizeBytes), total);
  }

  stream(sizeBytes: number, total: number): Promise<void> {
    return this.#send(pieces.of(sizeBytes), total);
  }

  ask(sizeBytes: number, answered: () => void): void {
    const { path } = echo;
    this.#client.makeUnaryRequest(path, same, same, Buffer.from(this.#notes.of(sizeBytes).buffer), (error) => {
      if (error !== null) throw error;
      answered();
    });
  }

  close(): void {
    this.#client.close();
  }

  /** In one client-streaming call. */
  async #send(message: Uint8Array, total: number): Promise<void> {
    const request = Buffer.from(message.buffer);
    let sent: () => void = () => undefined;
    const arrived = await new Promise<number>((resolve, reject) => {
      const call = this.#client.makeClientStreamRequest(count.path, same, same, (error, reply) => {
        if (error === null) resolve(Number(String(reply)));
        else reject(error);
      });
      let left = total;
      sent = () => {
        while (left > 0) {
          left -= 1;
          if (!call.write(request)) {
            call.once('drain', sent);
            return;
          }
        }
        call.end();
      };
      sent();
    });
    if (arrived !== total) throw new Error(`${total} messages were sent, and ${arrived} have arrived`);
  }
}
