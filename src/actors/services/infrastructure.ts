import type { Logger } from '../../logging/index.js';
import type { AnyService } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Transport } from '../../transport/index.js';
import { type ActorRef, ActorSystem, type Behavior } from '../kernel/index.js';
import { Router } from '../transport/index.js';
import { StoppedError } from '../../errors.js';

export interface InfrastructureOptions {
  /** Of its actor system, for logs. */
  readonly name: string;
  readonly transport: Transport;
  readonly scheduler: Scheduler;
  readonly log: Logger;
}

/**
 * The actors and links of one process of the infrastructure. It joins no control plane: the roles talk before there is one. So its actors
 * are reached by the address of their process and a conventional channel id, and by nothing else.
 */
export class Infrastructure {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly #system: ActorSystem;
  readonly #router: Router;

  private constructor({ name, transport, scheduler, log }: InfrastructureOptions) {
    this.scheduler = scheduler;
    this.log = log;
    this.#system = new ActorSystem({ name, scheduler, logger: log, cUids: noUserChannels });
    this.#router = new Router({ system: this.#system, scheduler, transport, log });
  }

  /** Resolves when it listens. */
  static async open(options: InfrastructureOptions): Promise<Infrastructure> {
    const opened = new Infrastructure(options);
    await opened.#router.listen();
    return opened;
  }

  /** Where others reach its actors. */
  get address(): string {
    return this.#router.address;
  }

  /** Throws ConfigError where an actor of this process has the channel id: two host ids may collide. */
  spawn<S extends AnyService, T>(behavior: Behavior<S, T>, channel: { name: string; cUid: bigint }): ActorRef<S> {
    return this.#system.spawn(behavior, channel);
  }

  /** The actor at a channel of a process. */
  reference<S extends AnyService>(service: S, address: string, cUid: bigint): ActorRef<S> {
    return this.#system.referenceTo(service, this.#router.routeTo(address, cUid, service.typeName));
  }

  /** Resolves when the actor has stopped. */
  stop<S extends AnyService>(actor: ActorRef<S>): Promise<void> {
    return this.#system.stop(actor);
  }

  /** Stops all actors, and closes the links. Idempotent. */
  async close(): Promise<void> {
    await this.#system.shutdown();
    await this.#router.close();
  }
}

function noUserChannels(): never {
  throw new StoppedError('An actor of the infrastructure has no channel but its conventional one.');
}
