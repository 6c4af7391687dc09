import type { Socket } from 'node:net';
import { ConfigError } from '../../errors.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { UpgradeListener, UpgradeServer } from './kind.js';

/** Time for the program's own listeners to answer an upgrade at a path of theirs, in ms. */
const OTHERS_MS = 10_000;

/** The paths of Millrace at each HTTP server of the user, and who listens there. */
const PATHS = new WeakMap<UpgradeServer, Map<string, SharedServer>>();

/**
 * One path of Millrace at an HTTP server of the user, beside other paths and other listeners. Once a socket is upgraded the server bounds it no more, so what
 * nobody answers must be ended here: at once where all listeners are Millrace's, else when the others have had their time.
 */
export class SharedServer {
  readonly #server: UpgradeServer;
  readonly #path: string;
  readonly #listener: UpgradeListener;
  readonly #scheduler: Scheduler;
  /** Sockets that others may answer. */
  readonly #left = new Map<Socket, { readonly timer: Timer; readonly refuse: () => void }>();

  /** Listens. Throws ConfigError where somebody of Millrace listens at the path already. */
  constructor(server: UpgradeServer, path: string, listener: UpgradeListener, scheduler: Scheduler) {
    this.#server = server;
    this.#path = path;
    this.#listener = listener;
    this.#scheduler = scheduler;
    const paths = PATHS.get(server) ?? new Map<string, SharedServer>();
    if (paths.has(path))
      throw new ConfigError(`Something listens at ${path} of this server already: choose another path.`);
    PATHS.set(server, paths.set(path, this));
    server.on('upgrade', listener);
  }

  /** An upgrade at another path. `refuse` answers it with 404. */
  unknown(socket: Socket, path: string, refuse: () => void): void {
    const paths = this.#paths;
    const [first] = paths.values();
    // One of Millrace has the path, or another one of them looks after it.
    if (paths.has(path) || first !== this) return;
    if (this.#server.listenerCount('upgrade') <= paths.size) return refuse();
    this.#leave(socket, refuse);
  }

  /** What others have not answered is refused. */
  close(): void {
    this.#server.off('upgrade', this.#listener);
    if (this.#paths.get(this.#path) === this) this.#paths.delete(this.#path);
    for (const [socket, { refuse }] of this.#left) {
      this.#forget(socket);
      refuse();
    }
  }

  get #paths(): Map<string, SharedServer> {
    return PATHS.get(this.#server) ?? new Map<string, SharedServer>();
  }

  #leave(socket: Socket, refuse: () => void): void {
    const { bytesWritten } = socket;
    const refuseUnanswered = (): void => {
      if (!socket.destroyed && socket.bytesWritten === bytesWritten) refuse();
    };
    const timer = this.#scheduler.setTimer(OTHERS_MS, () => {
      this.#forget(socket);
      refuseUnanswered();
    });
    this.#left.set(socket, { timer, refuse: refuseUnanswered });
    // An error without a listener would end the process.
    socket.on('error', () => {}).once('close', () => this.#forget(socket));
  }

  #forget(socket: Socket): void {
    const left = this.#left.get(socket);
    if (left === undefined) return;
    this.#left.delete(socket);
    this.#scheduler.clearTimer(left.timer);
  }
}
