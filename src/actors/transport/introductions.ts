import { ProtocolError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Link } from '../../transport/index.js';
import type { ActorSystem } from '../kernel/index.js';
import type { Channel } from './channel.js';
import { type ChannelTable, keysOf, mergedHello } from './channel-table.js';
import { Fences } from './fences.js';
import { Kinship, type LinkKinship } from './kinship.js';
import type { MessageFields } from './message-fields.js';
import type { UnreachablePeers } from './unreachable-peers.js';

/** Version of the control messages between routers. */
const VERSION = 1;

/** This partition, as it tells others who it is. */
interface Self {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly address: string;
  readonly ordinal: number | undefined;
  /** Undefined where it takes no fields beside messages. */
  readonly fields: MessageFields | undefined;
  /** Undefined where no other partition is of this process. */
  readonly kinship: Kinship | undefined;
}

/** Who is at the other ends of the links of one partition: hellos, and the fences that close links which were given up. */
export class Introductions {
  readonly #self: Self;
  readonly #table: ChannelTable<Channel>;
  readonly #unreachable: UnreachablePeers<Channel>;
  readonly #fences: Fences<Channel>;

  constructor(self: Self, table: ChannelTable<Channel>, unreachable: UnreachablePeers<Channel>) {
    this.#self = self;
    this.#table = table;
    this.#unreachable = unreachable;
    this.#fences = new Fences(self.scheduler);
  }

  newToken({ carrier }: Link): bigint {
    const { system, address } = this.#self;
    return this.#fences.draw(`${system.name} ${system.incarnation} ${address}`, carrier.transport === 'memory');
  }

  greeting(channel: Channel): v1.LinkMessageInit[] {
    return [this.#hello(channel), ...fence(this.#fences.givenUpTo(keysOf(channel)))];
  }

  #hello(channel: Channel): v1.LinkMessageInit {
    const { system, scheduler, address, ordinal, fields } = this.#self;
    const identity = { version: VERSION, address, ordinal, incarnation: system.incarnation, partition: system.name };
    const takesDetachedFields = fields !== undefined;
    const { token, kinship } = channel;
    const value = { ...identity, takesDetachedFields, token, sentMs: scheduler.now(), kinship: kinship.proof };
    return { message: { case: 'hello', value } };
  }

  /** False where the peer is not known by this: it may have to prove who it is, or its link was closed. */
  onHello(channel: Channel, hello: v1.Hello): boolean {
    if (hello.version !== VERSION) {
      this.#refuse(channel, `The peer speaks version ${hello.version} between routers, this one ${VERSION}.`);
      return false;
    }
    if (!this.#isKnown(channel, hello)) return false;
    const isFirst = channel.peer === undefined;
    channel.peer = mergedHello(channel.peer, hello);
    const { address, token, sentMs } = hello;
    if (sentMs !== undefined) channel.clock.onWayMs(sentMs, this.#self.scheduler.now());
    channel.name.introduced(hello);
    if (address !== this.#self.address) {
      this.#table.introduced(channel);
      for (const key of keysOf(channel)) this.#unreachable.reached(key);
    }
    if (!isFirst) return true;
    // Where the peer has opened the link, nothing was sent to it yet: it was not known who it is.
    for (const message of fence(this.#fences.givenUpTo(keysOf(channel)))) channel.announce(message);
    if (token !== 0n && !this.#fences.named(token, channel)) closeFenced(channel);
    return true;
  }

  /** False where the peer says that it is a partition of this process, and has not proven it. */
  #isKnown(channel: Channel, hello: v1.Hello): boolean {
    const { kinship } = channel;
    const { kinship: own, system } = this.#self;
    if (kinship.claim !== undefined) mergedHello(kinship.claim, hello);
    if (kinship.isProven || own === undefined || hello.incarnation !== system.incarnation) return true;
    if (this.#needsProof(channel) && !this.#hasProven(channel, hello, own)) return false;
    kinship.isProven = true;
    kinship.claim = undefined;
    this.#awaitsNoMore(kinship);
    return true;
  }

  #hasProven(channel: Channel, hello: v1.Hello, own: Kinship): boolean {
    const { kinship, token } = channel;
    const isOpener = channel.key !== '';
    const tokens = isOpener ? ([token, hello.token] as const) : ([hello.token, token] as const);
    if (kinship.claim === undefined) {
      kinship.claim = mergedHello(undefined, hello);
      kinship.proof = own.proof(isOpener ? 'opens' : 'answers', tokens);
      channel.announce(this.#hello(channel));
      kinship.due = this.#self.scheduler.setTimer(limits.connectTimeoutMs, () => this.#unproven(channel));
    }
    if (hello.kinship.length === 0) return false;
    const isProven = Kinship.isSame(hello.kinship, own.proof(isOpener ? 'answers' : 'opens', tokens));
    if (!isProven) this.#unproven(channel);
    return isProven;
  }

  #unproven(channel: Channel): void {
    this.#refuse(channel, 'The peer says that it is a partition of this process, and cannot prove that.');
  }

  #awaitsNoMore(kinship: LinkKinship): void {
    if (kinship.due !== undefined) this.#self.scheduler.clearTimer(kinship.due);
    kinship.due = undefined;
  }

  /** Nobody outside the program has a link on its pseudo-network. */
  #needsProof({ link }: Channel): boolean {
    return !this.#self.scheduler.isVirtual && link?.carrier.transport !== 'memory';
  }

  #refuse(channel: Channel, text: string): void {
    channel.close(new ProtocolError(text), { kind: 'protocol', message: text });
  }

  onFence(channel: Channel, tokens: readonly bigint[]): void {
    if (tokens.length > limits.fenceLinks || tokens.includes(channel.peer?.token ?? 0n)) {
      throw new ProtocolError(`${channel.name.text} has sent a fence of ${tokens.length} links that it cannot mean.`);
    }
    for (const token of tokens) {
      const fenced = this.#fences.fence(token);
      if (fenced !== undefined) closeFenced(fenced);
    }
  }

  /** `isGivenUp`: what its peer is sent from now on, over another link, must not be overtaken by what this one may still deliver. */
  closed(channel: Channel, isGivenUp: boolean): void {
    this.#awaitsNoMore(channel.kinship);
    this.#fences.closed(channel.peer?.token ?? 0n, channel);
    if (!isGivenUp) return;
    const keys = keysOf(channel);
    this.#fences.gaveUp(channel.token, keys);
    const others = new Set([...keys].map((key) => this.#table.get(key)));
    for (const message of fence([channel.token])) for (const other of others) other?.announce(message);
  }
}

function fence(tokens: readonly bigint[]): v1.LinkMessageInit[] {
  return tokens.length === 0 ? [] : [{ message: { case: 'fence', value: { tokens } } }];
}

function closeFenced(channel: Channel): void {
  const text = `The link to ${channel.name.text} has ended: the peer has given it up and uses another one.`;
  channel.close(new UnreachableError(text), undefined, true);
}
