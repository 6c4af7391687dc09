import { createRequire } from 'node:module';
import type * as functions from 'nact/lib/functions.js';
import type * as systemMap from 'nact/lib/system-map.js';
import { ConfigError, ProtocolError } from '../../errors.js';
import type { AnyMethod, AnyService } from '../../protocol/index.js';
import { plainMessages, receive } from './plain-messages.js';
import type { PlainQuery } from './plain-query.js';
import type { Route } from './route.js';

// The only file that knows how nact looks inside. nact's functions take a reference, walk its path from the system through
// `children`, and call `dispatch`, `query` or `stop` on what they find; so that is what our actors have.

// By require, because Node reads a module twice that it imports without knowing what it exports: it makes every start slower.
const require: { (id: 'nact/lib/functions.js'): typeof functions; (id: 'nact/lib/system-map.js'): typeof systemMap } =
  createRequire(import.meta.url);
const { dispatch } = require('nact/lib/functions.js');
const systems = require('nact/lib/system-map.js');

/** Where an actor is, in nact's form. */
export interface NactPath {
  readonly system: string;
  readonly parts: readonly string[];
  toString(): string;
}

/** Reference of a parent, or of the system, in nact's form. */
export interface NactParent {
  readonly type: 'actor' | 'system';
  readonly name: string;
  readonly path: NactPath;
  readonly system: { readonly name: string };
}

/** An actor as a node in nact's tree, without anything that nact keeps for each of its own. */
export abstract class NactNode {
  abstract readonly name: string;
  abstract readonly parent: NactNode | undefined;
  abstract readonly service: AnyService;
  abstract get children(): ReadonlyMap<string, NactNode>;

  /** How nact's verbs reach our actor. */
  abstract requestStop(): void;
  abstract tell(method: AnyMethod, message: unknown, options: undefined): boolean;
  abstract ask(
    method: AnyMethod,
    message: unknown,
    options: { readonly timeoutMs: number } | undefined,
  ): Promise<unknown>;
  /** An ask in nact's form, of an actor that takes plain messages: `messageFor` is given its query. */
  abstract askPlain(messageFor: (query: PlainQuery) => unknown, timeoutMs: number): Promise<unknown>;
  /** An ask that came by `dispatch`, so that nobody waits for it, failed. */
  abstract reportLostReply(error: unknown): void;

  /**
   * `message` is anything where the actor takes plain messages, and `{ methodName: request }` otherwise; then the reply to an ask
   * goes to `sender`, where there is one. What `tell` returns.
   */
  dispatch(message: unknown, sender?: object): boolean {
    if (this.service === plainMessages) return this.tell(receive, { message, sender: sender ?? nobody }, undefined);
    const [method, request] = this.parse(message);
    if (method.mode === 'tell') return this.tell(method, request, undefined);
    this.ask(method, request, undefined).then(
      (reply) => sender !== undefined && dispatch(sender, reply),
      (error: unknown) => this.reportLostReply(error),
    );
    return true;
  }

  /**
   * As `dispatch`, for an ask. A function makes the message: of the reference that takes the answer, where the actor takes plain
   * messages; of nobody's otherwise, since the reply is what the handler returns.
   */
  async query(message: unknown, timeoutMs: number): Promise<unknown> {
    if (this.service === plainMessages) {
      return this.askPlain(({ reference }) => (isFactory(message) ? message(reference) : message), timeoutMs);
    }
    const [method, request] = this.parse(isFactory(message) ? message(nobody) : message);
    if (method.mode !== 'ask')
      throw new ProtocolError(`${method.fullName} has no reply: dispatch it instead of querying`);
    return this.ask(method, request, { timeoutMs });
  }

  stop(): void {
    this.requestStop();
  }

  /** nact's spawn asks this before it makes a child. */
  assertNotStopped(): never {
    throw spawnRefused(this.name);
  }

  private parse(message: unknown): readonly [AnyMethod, unknown] {
    const entries = typeof message === 'object' && message !== null ? Object.entries(message) : [];
    const [name, request] = entries[0] ?? [];
    const method = name === undefined || entries.length > 1 ? undefined : this.service.methods[name];
    if (method === undefined) {
      const known = Object.keys(this.service.methods).join(', ');
      throw new ProtocolError(`a message to ${this.name} must be { method: request } with one of the methods ${known}`);
    }
    if (method.mode === 'stream')
      throw new ProtocolError(`${method.fullName} is a stream: iterate what the reference returns`);
    return [method, method.request.create(request)];
  }
}

function isFactory(message: unknown): message is (sender: object) => unknown {
  return typeof message === 'function';
}

/** In the place of a sender that there is not. */
export class Nobody {
  readonly type = 'nobody';
  readonly system = { name: undefined };
  readonly path = { parts: [] };

  receive(): boolean {
    return true;
  }
}

const nobody = Object.freeze(new Nobody());

function spawnRefused(name: string): ConfigError {
  return new ConfigError(
    `nact's spawn cannot make an actor under ${name}: it would have clocks and timers of its own; use spawn of millrace/nact`,
  );
}

/** nact's own `dispatch`: for references that are none of ours. */
export function dispatchByNact(actor: object, message: unknown, sender?: object): void {
  dispatch(actor, message, sender);
}

/** A reference as nact and we make them; `nobody` leads nowhere. */
type NactReference =
  | { readonly type: 'system' | 'nobody' }
  | { readonly type: 'temp'; readonly id: number }
  | { readonly type: 'actor'; readonly path: { readonly parts: readonly string[] } };

/** The system in nact's tree that holds our root actors. nact's functions look it up by its name. */
export class NactRoot {
  /** The name that nact knows: the one wanted, or with a number when that is taken in this thread. */
  readonly name: string;
  /** The engine that `configurePersistence` of millrace/nact was given. */
  persistenceEngine: unknown = undefined;
  readonly children: ReadonlyMap<string, NactNode>;
  readonly stop: () => void;
  private readonly queries = new Map<number, PlainQuery>();
  private queryIds = 0;

  /** `children` are the root actors, kept up to date by their owner. */
  constructor(wantedName: string, children: ReadonlyMap<string, NactNode>, onStop: () => void) {
    this.name = freeName(wantedName);
    this.children = children;
    this.stop = onStop;
    systems.add(this);
  }

  nextQueryId(): number {
    return ++this.queryIds;
  }

  /** nact's own `dispatch`, too, finds the query until `forget`. */
  expect(query: PlainQuery): void {
    this.queries.set(query.reference.id, query);
  }

  forget(query: PlainQuery): void {
    this.queries.delete(query.reference.id);
  }

  /** What a reference leads to: what nact's functions ask the system first. */
  find(reference: NactReference): object | undefined {
    if (reference.type === 'system') return this;
    if (reference.type === 'temp') {
      const query = this.queries.get(reference.id);
      return query && { dispatch: (answer: unknown) => query.answer(answer) };
    }
    if (reference.type !== 'actor') return undefined;
    return reference.path.parts.reduce<NactRoot | NactNode | undefined>((node, name) => node?.children.get(name), this);
  }

  /** nact's spawn asks this before it makes a child. */
  assertNotStopped(): never {
    throw spawnRefused(this.name);
  }

  /** Takes the system out of nact's registry. */
  close(): void {
    systems.remove(this.name);
  }
}

function freeName(wanted: string): string {
  let name = wanted;
  for (let number = 2; systems.find(name) !== undefined; number++) name = `${wanted}-${number}`;
  return name;
}

const VALID_NAME = /^[a-z0-9\-$_.+!*'(),]+$/i;

/** ConfigError unless nact, too, would accept the name. */
export function checkName(name: string): void {
  if (!VALID_NAME.test(name)) {
    throw new ConfigError(`an actor cannot be named ${JSON.stringify(name)}: letters, digits and -$_.+!*'(), only`);
  }
}

class Path implements NactPath {
  readonly system: string;
  readonly parts: readonly string[];

  constructor(system: string, parts: readonly string[]) {
    this.system = system;
    this.parts = parts;
  }

  toString(): string {
    return `${this.system}://${this.parts.join('/')}`;
  }
}

/** Names from the root to the node. An actor elsewhere is no node: its parts lead nact nowhere. */
export function partsOf(route: Route | NactNode): readonly string[] {
  if (!(route instanceof NactNode)) return ['@', nactName(route)];
  const parts: string[] = [];
  for (let node: NactNode | undefined = route; node !== undefined; node = node.parent) parts.unshift(node.name);
  return parts;
}

export function nactName(route: Route): string {
  return route instanceof NactNode ? route.name : route.cUid.toString(16);
}

export function nactPath(route: Route, systemName: string): NactPath {
  return new Path(systemName, partsOf(route));
}

export function nactParent(route: Route, systemName: string): NactParent | undefined {
  if (!(route instanceof NactNode)) return undefined;
  const system = { name: systemName };
  const parent = route.parent;
  if (parent === undefined) return { type: 'system', name: systemName, path: new Path(systemName, []), system };
  return { type: 'actor', name: parent.name, path: new Path(systemName, partsOf(parent)), system };
}
