import { AskTimeoutError, type MillraceError, ProtocolError, RefusedError, UnreachableError } from '../../errors.js';
import { messageOf, namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ActorRef, ActorSystem, AskOptions, Context } from '../kernel/index.js';
import { thrownByHandler } from '../../protocol/errors/index.js';
import { Connection, isLoss } from './connection.js';
import type { Report } from './held-pipelines.js';
import { type ConnectingProcess, Holdings } from './holdings.js';
import { MirroredResources, type MirrorListener } from './mirrored-resources.js';
import type { OtherClusters } from './other-clusters.js';
import { RequestTags } from './request-tags.js';
import { retryAsk } from './retry-ask.js';
import { newSecret } from './secret.js';
import { FENCED } from './state/index.js';

/** Receives what the control plane reports to this process. */
export interface ControlPlaneListener extends MirrorListener {
  progress(progress: v1.SegmentProgress): void;
  /** The control plane cannot be reached: this process goes on without it, and takes up the connection when it can. */
  degraded(error: MillraceError): void;
  rejoined(): void;
  /** While this process could not reach the control plane, another actor has got a name of one here, or its group is full. */
  nameRefused(entry: v1.AnnouncedName, why: string): void;
  /** For good: another process has the ids of this one. */
  lost(error: MillraceError): void;
}

export interface ClientOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly listener: ControlPlaneListener;
  /** The control plane server. Called again for each attempt to reach it. */
  readonly server: () => Server;
  /** Of the control plane server, for messages. */
  readonly address: () => string;
  /** True while this process serves the control plane itself. */
  readonly isServedHere?: () => boolean;
  /** The other members of the network of this process; undefined where it is in none. */
  readonly others?: OtherClusters | undefined;
  /** Time in which the first connection must succeed, in ms. */
  readonly startTimeoutMs?: number | undefined;
}

export type Server = ActorRef<v1.ControlPlane>;
/** Fields of every request that changes something. */
export type Identity = { readonly pUid: bigint; readonly tag: number; readonly epoch: number };

/**
 * The relation of this process to the control plane, whichever process serves it: sends requests, receives the view, and when the control
 * plane is lost, announces this process to the one that it finds next.
 */
export class Session {
  /** What is announced. The client keeps it up to date. */
  readonly holdings: Holdings;
  readonly resources: MirroredResources;
  readonly #options: ClientOptions;
  readonly #connection: Connection;
  #server: Server;
  /** Of the server that this process follows: `address` of the options may name the next one already. */
  #address: string;
  /** Counts the times that this process has turned to a server, which may be another one or the same one again. */
  #turns = 0;
  /** The context of the client's actor, which watches the server. Undefined until this process is active. */
  #client: Context | undefined;
  #identity: v1.ServerIdentityInit = { epoch: 0, incarnation: 0n };
  readonly #tags: RequestTags;
  /** This process has rejoined, and has not seen the whole view of the control plane yet. */
  #hasRejoined = false;
  /** The death watch has reported the server during an attempt to rejoin. */
  #isCut = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { scheduler, log, address, system, listener } = options;
    const name = `${system.name} ${system.incarnation}`;
    this.#connection = new Connection({ scheduler, log, address, name, attempt: () => this.#rejoin() });
    this.#tags = new RequestTags(scheduler);
    this.resources = new MirroredResources(log, {
      changed: (resource) => listener.changed(resource),
      removed: (id) => {
        this.holdings.pipelines.removed(id);
        listener.removed(id);
      },
    });
    this.holdings = new Holdings(this.resources);
    this.#server = options.server();
    this.#address = address();
  }

  get pUid(): bigint {
    return this.holdings.pUid;
  }

  get isUp(): boolean {
    return this.#connection.isUp;
  }

  get isOver(): boolean {
    return this.#connection.isClosed;
  }

  /** See ControlPlaneClient.connect. */
  async connect(process: ConnectingProcess, timeoutMs: number): Promise<string> {
    // A process that serves the control plane announces itself to another one at the earliest. Entropy takes a tenth of the time of a start.
    const own = { ...process, secret: this.#options.isServedHere?.() === true ? 0n : newSecret(this.#options) };
    const { pUid, name, server } = await this.request(
      (to, { tag }, options) => to.connect({ ...own, tag }, options),
      timeoutMs,
    );
    this.holdings.process = { ...own, name };
    this.holdings.pUid = pUid;
    this.#identity = server ?? this.#identity;
    return name;
  }

  /** The client's actor has started. */
  watchWith(context: Context): void {
    this.#client = context;
    context.watch(this.#server);
  }

  serverEnded(): void {
    this.#isCut = true;
    this.#lost(this.#unreachable(new UnreachableError('its process has ended, or the link to it was cut.')));
  }

  /** Another process serves the control plane: this one rejoins there, also where it can still reach the last one. */
  serverMoved(): void {
    this.#isCut = true;
    this.#connection.moved();
    const where = `The control plane has moved to ${this.#options.address()}.`;
    this.#lost(new UnreachableError(`${where} This process has not rejoined it yet.`));
  }

  /** Of the process that serves the control plane; 0n where that is not known. */
  get serverIncarnation(): bigint {
    return this.#identity.incarnation ?? 0n;
  }

  apply(update: v1.Update): void {
    const acknowledged = this.resources.apply(update);
    if (acknowledged === undefined) return;
    this.#follow(update.epoch);
    this.#server.acknowledge({ pUid: this.pUid, ...acknowledged });
    if (this.#hasRejoined && update.isComplete) this.#reportAgain();
  }

  /** While a control plane recovers its epoch may rise, of which this process learns by its view. The next one must follow on that. */
  #follow(epoch: number): void {
    if (epoch > (this.#identity.epoch ?? 0)) this.#identity = { ...this.#identity, epoch };
  }

  /** The control plane before may have taken reports with it that it had confirmed. */
  #reportAgain(): void {
    this.#hasRejoined = false;
    for (const report of this.holdings.pipelines.unseenReports()) {
      this.report(report).catch((error: unknown) =>
        this.#options.log.warn('a report did not reach the control plane again', { error: namedMessageOf(error) }),
      );
    }
  }

  /** How far a segment or manifold of this process is. */
  async report(report: Report): Promise<void> {
    const { pipelines } = this.holdings;
    pipelines.reported(report);
    await this.insist(
      (server, identity, options) => server.report({ ...report, ...identity }, options),
      () => pipelines.isReported(report),
    );
  }

  /** This process is ending: its requests do not wait any more for a control plane that cannot be reached. */
  leave(): void {
    this.#connection.leave();
  }

  /** For good: requests reject with `error`. */
  close(error: MillraceError): void {
    this.#connection.close(error);
  }

  /** Sends a request that changes something, always with the same tag. See `ask`. */
  async request<Reply>(
    send: (server: Server, identity: Identity, options: AskOptions) => Promise<Reply>,
    timeoutMs: number = limits.controlPlaneTimeoutMs,
  ): Promise<Reply> {
    const deadlineMs = this.#options.scheduler.now() + timeoutMs;
    const tag = await this.#tags.take(deadlineMs);
    try {
      return await this.#repeat((server, identity, options) => send(server, { ...identity, tag }, options), deadlineMs);
    } finally {
      this.#tags.done(tag);
    }
  }

  /** As `request`, for what nobody asks for again: until it is answered, as long as it `isWanted` and this process has its place in the cluster. */
  async insist<Reply>(
    send: (server: Server, identity: Identity, options: AskOptions) => Promise<Reply>,
    isWanted: () => boolean = () => true,
  ): Promise<Reply> {
    for (;;) {
      try {
        return await this.request(send);
      } catch (error) {
        const isUnanswered = error instanceof AskTimeoutError || error instanceof UnreachableError;
        if (!isUnanswered || this.#connection.isEnding || !isWanted()) throw error;
      }
    }
  }

  /**
   * Sends a request that may be carried out more than once, until it is answered; waits while the control plane cannot be reached. An error of
   * the server rejects at once, as its handler threw it. What arrives from a server that this process has left since does not count, for the
   * next one was told what this process had before: the request is sent to that one.
   */
  ask<Reply>(
    send: (server: Server, identity: Omit<Identity, 'tag'>, options: AskOptions) => Promise<Reply>,
    timeoutMs: number = limits.controlPlaneTimeoutMs,
  ): Promise<Reply> {
    return this.#repeat(send, this.#options.scheduler.now() + timeoutMs);
  }

  async #repeat<Reply>(
    send: (server: Server, identity: Omit<Identity, 'tag'>, options: AskOptions) => Promise<Reply>,
    deadlineMs: number,
  ): Promise<Reply> {
    const { scheduler } = this.#options;
    let loss: UnreachableError | undefined;
    for (;;) {
      await this.#connection.up(deadlineMs);
      const leftMs = deadlineMs - scheduler.now();
      if (leftMs <= 0) throw loss ?? new AskTimeoutError(`The control plane was not asked in time.`);
      const turn = this.#turns;
      const server = this.#server;
      const identity = { pUid: this.pUid, epoch: this.#identity.epoch ?? 0 };
      try {
        const reply = await retryAsk(scheduler, leftMs, (options) => {
          this.#assertFollows(turn);
          return send(server, identity, options);
        });
        this.#assertFollows(turn);
        this.#connection.succeeded();
        return reply;
      } catch (error) {
        if (turn !== this.#turns) continue;
        if (!isLoss(error)) throw thrownByHandler(error);
        loss = this.#unreachable(error);
        this.#lost(loss);
      }
    }
  }

  #assertFollows(turn: number): void {
    if (turn !== this.#turns) throw new UnreachableError('This process has left the control plane that was asked.');
  }

  // ---- the loss of the control plane

  #unreachable(cause: unknown): UnreachableError {
    const message = `The control plane at ${this.#address} cannot be reached: ${messageOf(cause)}`;
    return new UnreachableError(message, { cause });
  }

  #lost(error: UnreachableError): void {
    if (!this.#connection.isUp) return;
    const { log, listener } = this.#options;
    this.#connection.lost(error);
    if (this.#client !== undefined) listener.degraded(error);
    else log.info('waiting for the control plane', { controlPlane: this.#address, error: error.message });
  }

  /** Announces this process, its names, and the groups that it uses. Rejects where it has to be tried again. */
  async #rejoin(): Promise<void> {
    this.#watchAgain();
    // Before it has connected, there is nothing to announce: the request that waits is sent again.
    if (this.holdings.process === undefined) return;
    const secret = this.holdings.process.secret || newSecret(this.#options);
    this.holdings.process = { ...this.holdings.process, secret };
    try {
      const { server = this.#identity, name } = await this.#ask((options) =>
        this.#server.announce(this.#announcement(), options),
      );
      this.#identity = server;
      this.holdings.process = { ...this.holdings.process, name };
      await this.#announceNames();
      for (const pipelines of this.holdings.announcedPipelines()) {
        const identity = this.#nextIdentity();
        await this.#ask((options) => this.#server.announcePipelines({ ...identity, ...pipelines }, options));
      }
      if (this.#client !== undefined) await this.#resume();
    } catch (error) {
      if (!(error instanceof RefusedError) || error.reason !== FENCED) throw error;
      this.#fence(error);
      return;
    }
    if (this.#isCut) throw new UnreachableError('The control plane was lost again.');
    this.#connection.succeeded();
    if (this.#client !== undefined) this.#options.listener.rejoined();
  }

  /** The server may be another one by now. The watch must be of the link over which this process announces itself. */
  #watchAgain(): void {
    this.#client?.unwatch(this.#server);
    this.#turns++;
    this.#server = this.#options.server();
    this.#address = this.#options.address();
    this.#isCut = false;
    this.#client?.watch(this.#server);
  }

  #announcement(): v1.AnnouncementInit {
    return this.holdings.announcement(this.#identity, this.#client?.self.toRef(), this.resources.highestId);
  }

  async #announceNames(): Promise<void> {
    for (const names of this.holdings.names()) {
      const identity = this.#nextIdentity();
      const { refused, places } = await this.#ask((options) =>
        this.#server.registerNames({ ...identity, names }, options),
      );
      names.forEach((entry, index) => this.holdings.registered({ ...entry, place: places[index] ?? 0 }));
      for (const { entry, why } of refused) {
        if (entry?.ref === undefined) continue;
        this.holdings.unregistered(entry.name, entry.ref.cUid);
        this.#options.listener.nameRefused(entry, why);
      }
    }
  }

  async #resume(): Promise<void> {
    const groups = [...this.holdings.groups];
    const { pUid, epoch } = this.#nextIdentity();
    const { update } = await this.#ask((options) => this.#server.resume({ pUid, epoch, groups }, options));
    if (update === undefined) throw new ProtocolError('The control plane has answered without a view.');
    this.#hasRejoined = true;
    this.apply(update);
  }

  /** It can never come back under its ids. */
  #fence(cause: RefusedError): void {
    const { message } = cause;
    const error = new UnreachableError(`This process is no longer part of the cluster: ${message}`, { cause });
    this.#connection.close(error);
    this.#options.listener.lost(error);
  }

  #nextIdentity(): Identity {
    return { pUid: this.pUid, tag: this.#tags.next(), epoch: this.#identity.epoch ?? 0 };
  }

  #ask<Reply>(send: (options: AskOptions) => Promise<Reply>): Promise<Reply> {
    return retryAsk(this.#options.scheduler, limits.controlPlaneTimeoutMs, send);
  }
}
