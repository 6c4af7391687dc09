import { StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/on-demand/index.js';
import { settledWithin } from '../../scheduler/index.js';
import { RejectedPeers } from '../../transport/handshake/index.js';
import { type ActorRef, behavior, systemKey } from '../kernel/index.js';
import type { Runtime } from '../runtime/index.js';
import { Clients } from './clients.js';
import type { GatewayServices } from './connection.js';
import { FoundNames } from './found-names.js';
import { FrameTurns } from './frame-turns.js';
import { type GatewayOptions, gatewaySettings, type GatewaySettings } from './gateway-options.js';
import { ANYONE } from './identity.js';
import { GatewayListener } from './listener.js';
import { Policy } from './policy.js';
import { TopicFeeds } from './topic-feeds.js';

/** A gateway for clients, which is an actor of its runtime: it stops with it. Made by `clientGateway`. */
export class ClientGateway {
  readonly #runtime: Runtime;
  readonly #clients: Clients;
  readonly #names: FoundNames;
  readonly #listener: GatewayListener;
  readonly #rejected: RejectedPeers;
  readonly #forbidden: RejectedPeers;
  readonly #drain = (): void => void this.close();
  /** The actor of the gateway: `describe` says how many clients there are. */
  readonly ref: ActorRef<typeof v1.ClientGateway>;
  #address = '';
  #closing: Promise<void> | undefined;

  /** For `clientGateway`. */
  constructor(runtime: Runtime, options: GatewayOptions, settings: GatewaySettings) {
    const system = runtime[systemKey];
    const { scheduler } = runtime;
    const log = system.callServices.log.child({ component: 'clients' });
    this.#runtime = runtime;
    this.#rejected = new RejectedPeers(scheduler, log, 'a client was rejected');
    this.#forbidden = new RejectedPeers(scheduler, log, 'a call of a client was forbidden');
    const { authenticate } = options;
    this.#names = new FoundNames(runtime);
    const services: GatewayServices = {
      scheduler,
      log,
      limits: settings.limits,
      policy: new Policy(options.allow),
      authenticate: authenticate === 'anyone' ? () => ANYONE : authenticate,
      names: this.#names,
      topics: new TopicFeeds(runtime),
      turns: new FrameTurns(scheduler),
      rejected: (from, why) => this.#rejected.add(from, why),
      forbidden: (subject, what) => this.#forbidden.add(subject, what),
    };
    this.#clients = new Clients(services);
    const events = {
      isFull: () => this.#clients.isFull,
      rejected: services.rejected,
      failed: ({ message }: Error) => log.error('a listener failed', { error: message }),
      accept: (...given: Parameters<Clients['accept']>) => this.#clients.accept(...given),
    };
    this.#listener = new GatewayListener(settings, events, scheduler);
    this.ref = system.spawn(
      behavior(v1.ClientGateway, {
        supervision: 'resume',
        describe: () => this.#describe(),
        on: { stopping: () => this.#end() },
      }),
    );
  }

  /** Where it listens; empty beside a server. */
  get address(): string {
    return this.#address;
  }

  /** Clients that it knows now. */
  get clients(): number {
    return this.#clients.authenticated;
  }

  /** For `clientGateway`. */
  async open(): Promise<void> {
    try {
      this.#address = await this.#listener.open();
    } catch (error) {
      await this.#runtime.stopActor(this.ref);
      throw error;
    }
    const { draining } = this.#runtime;
    if (draining.aborted) {
      await this.close({ graceMs: 1 });
      throw new StoppedError('The runtime was stopped before its gateway for clients listened.');
    }
    draining.addEventListener('abort', this.#drain);
  }

  /**
   * Takes no new clients and calls, and tells clients so. Resolves when the calls that clients wait for have ended, and their connections are closed; after `graceMs` what
   * has not ended is cut off. Idempotent. The draining of the runtime does so, too.
   */
  close({ graceMs = limits.gatewayGraceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(graceMs: number): Promise<void> {
    this.#listener.close();
    await settledWithin(this.#runtime.scheduler, graceMs, this.#clients.goAway());
    this.#end();
    await this.#runtime.stopActor(this.ref).catch((error: unknown) => {
      if (!(error instanceof StoppedError)) throw error;
    });
  }

  #end(): void {
    this.#runtime.draining.removeEventListener('abort', this.#drain);
    this.#listener.close();
    this.#clients.cutAll();
    this.#names.close();
  }

  #describe(): v1.ClientGatewayDescriptionInit {
    const { authenticated, unauthenticated, calls } = this.#clients;
    const [rejected, forbidden] = [this.#rejected.count, this.#forbidden.count];
    return { address: this.#address, clients: authenticated, unauthenticated, calls, rejected, forbidden };
  }
}

/**
 * Lets clients of `millrace/client` into a cluster, over WebSockets beside an HTTP server or on a port of its own. Needs the package `ws`. Rejects with
 * ConfigError for a wrong option, ResourceError where the package is missing.
 *
 *     const gateway = await clientGateway(runtime, {
 *       server,
 *       origins: ['https://shop.example'],
 *       authenticate: tokenAuthentication({ [token]: { subject: 'page' } }),
 *       allow: [{ service: Market, methods: ['quote', 'watch'] }, { topic: Trade, name: 'trades' }],
 *     });
 */
export async function clientGateway(runtime: Runtime, options: GatewayOptions): Promise<ClientGateway> {
  const settings = gatewaySettings(options);
  const gateway = new ClientGateway(runtime, options, settings);
  await gateway.open();
  return gateway;
}
