import {
  Client,
  credentials,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { textOf } from '../../transport/peer.js';
import type { LoadPeer } from '../peer.js';
import { type Done, Work } from '../work.js';

const same = (bytes: Buffer): Buffer => bytes;
const bytes = {
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
const work = { path: '/bench.Worker/Work', ...bytes };
const balance = { path: '/bench.Ledger/Balance', ...bytes };
const service: ServiceDefinition = { work, balance };
const NOTHING = Buffer.alloc(0);

/** Calls wait in a queue for their turn, as in a mailbox. Those that were cancelled meanwhile, as by their deadline, are skipped. */
export const grpc: LoadPeer = {
  serve: async () => {
    const done = new Work();
    let last = Promise.resolve();
    const server = new Server();
    const serveWork: handleUnaryCall<Buffer, Buffer> = (call, reply) => {
      last = last.then(async () => {
        if (call.cancelled) return;
        await done.work();
        reply(null, NOTHING);
      });
    };
    const serveBalance: handleUnaryCall<Buffer, Buffer> = (_call, reply) =>
      reply(null, Buffer.from(JSON.stringify(done.balance())));
    server.addService(service, { work: serveWork, balance: serveBalance });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return {
      address: `127.0.0.1:${port}`,
      close: () => {
        done.close();
        server.forceShutdown();
      },
    };
  },
  connect: (address) => {
    const client = new Client(textOf(address ?? ''), credentials.createInsecure());
    const call = (path: string, timeoutMs = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> =>
      new Promise((resolve) => {
        const deadline = Date.now() + timeoutMs;
        client.makeUnaryRequest(path, same, same, NOTHING, { deadline }, (_error, reply) => resolve(reply));
      });
    return Promise.resolve({
      ask: async (timeoutMs) => (await call(work.path, timeoutMs)) !== undefined,
      reported: () => 0,
      balance: async () => doneFrom(String(await call(balance.path))),
      close: () => client.close(),
    });
  },
};

function doneFrom(text: string): Done {
  const done: unknown = JSON.parse(text);
  if (typeof done === 'object' && done !== null && 'worked' in done && 'taken' in done && 'peakBytes' in done) {
    const taken = Array.isArray(done.taken) ? done.taken.map(Number) : [];
    return { worked: Number(done.worked), taken, peakBytes: Number(done.peakBytes) };
  }
  throw new TypeError(`This is not a balance: ${text}`);
}
