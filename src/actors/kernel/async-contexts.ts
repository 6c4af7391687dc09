/**
 * The asynchronous context in which a message was sent: what the AsyncLocalStorages of the program hold there. An AsyncResource of Node, whose
 * types the declarations of this package do not need.
 */
export interface AsyncContext {
  runInAsyncScope<Arguments extends unknown[], Result>(
    code: (this: undefined, ...given: Arguments) => Result,
    self?: undefined,
    ...given: Arguments
  ): Result;
}

/** Not imported, because an ES module would read every property of it: it exists in every process already. */
const asyncHooks = process.getBuiltinModule('node:async_hooks');

/** Without it, a destroy hook of the program would keep track of every message. */
const OPTIONS = { requireManualDestroy: true };

/**
 * Keeps AsyncLocalStorages apart. A turn of the dispatcher inherits the context of whoever armed it, and handles messages of many senders.
 * So each message is handled in the context of its sender, or in the outermost one, in which the system was made.
 *
 * A program that has no AsyncLocalStorage in use pays for two looks with each ask and each burst of tells, and for nothing else: a look
 * takes 6 to 10 ns, a third of a tell. From the first storage that is seen on, every message has its context. The tells that are sent in the
 * same turn of the event loop after one that has seen none, and those of a handler, do not look: they are handled in the outermost context.
 */
export class AsyncContexts {
  #isInUse = false;
  #isUnchecked = false;
  /** A message was sent from here since the last turn, and looked. */
  #hasLooked = false;
  readonly #outermost = newContext();
  readonly #detection = detection();
  readonly #keepsSenders: boolean;

  /** Without `keepsSenders` all messages are handled in the outermost context. */
  constructor(keepsSenders: boolean) {
    this.#keepsSenders = keepsSenders;
    this.look();
  }

  /** An AsyncLocalStorage was seen in use. */
  get isInUse(): boolean {
    return this.#isInUse;
  }

  /** Sees whether an AsyncLocalStorage is in use, as far as that can be seen from here. */
  look(): boolean {
    if (!this.#isInUse) this.#isInUse = this.#detection.isFound();
    return this.#isInUse;
  }

  /** No turn is armed, and a tell is sent: its message is the first that the next turn handles. */
  lookForTell(): void {
    this.#hasLooked = true;
    this.look();
  }

  /** A turn is armed, perhaps by what has not looked, such as a timer. */
  lookOnce(): void {
    if (!this.#hasLooked) this.look();
    this.#hasLooked = false;
  }

  /** A handler has run, and what it has entered is looked for at the end of the turn. */
  handled(): void {
    this.#isUnchecked = true;
  }

  /** A turn of the dispatcher ends. */
  turnEnded(): void {
    if (this.#isUnchecked) this.check();
  }

  /** A handler has run: it may have entered the context of a storage, which the next message must not see. */
  check(): void {
    this.#isUnchecked = false;
    if (!this.#isInUse && this.look()) this.#detection.leave();
  }

  /** The context of the code that is running, for a message that it sends; undefined where it is not needed. */
  capture(): AsyncContext | undefined {
    this.#hasLooked = true;
    return this.look() && this.#keepsSenders ? newContext() : undefined;
  }

  /** Runs `code` in `context`, or in one of its own within the outermost: what it enters there reaches nobody else. */
  run<Arguments extends unknown[], Result>(
    context: AsyncContext | undefined,
    code: (...given: Arguments) => Result,
    ...given: Arguments
  ): Result {
    if (!this.#isInUse) return code(...given);
    const own = context ?? this.#outermost.runInAsyncScope(newContext);
    return own.runInAsyncScope(code, undefined, ...given);
  }

  /** `callback`, to be called later in the context of the code that is running. */
  bind(callback: () => unknown): () => unknown {
    const context = this.capture();
    return context === undefined ? callback : () => this.run(context, callback);
  }
}

function newContext(): AsyncContext {
  return new asyncHooks.AsyncResource('MILLRACE', OPTIONS);
}

interface Detection {
  isFound(): boolean;
  /** Undoes what the first storage in use has entered without a scope. */
  leave(): void;
}

/**
 * How to see that a storage is in use. From Node 24 on, a resource has the frame of its context, undefined where no storage holds anything;
 * what a storage enters ends with the turn. Before, the first storage in use turns on the hooks of promises, which give each new promise an
 * id, and what it enters stays with the object that the event loop is running. Where neither is found, a storage is taken to be in use.
 */
function detection(): Detection {
  const frame = symbolsOf(newContext(), 'context_frame')[0];
  if (frame !== undefined && hasFrames(frame)) {
    return { isFound: () => valueOf(newContext(), frame) !== undefined, leave: () => {} };
  }
  const id = symbolsOf(newContext(), 'async_id_symbol')[0];
  return { isFound: id === undefined ? () => true : () => id in Promise.resolve(), leave: forgetStores };
}

function forgetStores(): void {
  const running = asyncHooks.executionAsyncResource();
  for (const store of symbolsOf(running, 'kResourceStore')) Reflect.deleteProperty(running, store);
}

function symbolsOf(value: object, description: string): symbol[] {
  return Object.getOwnPropertySymbols(value).filter((symbol) => symbol.description === description);
}

/** Node 22 has frames, and uses them only when it is told to. */
function hasFrames(frame: symbol): boolean {
  const storage = new asyncHooks.AsyncLocalStorage<true>();
  // In a scope, because the frame stays when the storage is left.
  return newContext().runInAsyncScope(() => {
    const found = storage.run(true, () => valueOf(newContext(), frame) !== undefined);
    storage.disable();
    return found;
  });
}

function valueOf(value: object, key: symbol): unknown {
  return isKeyed(value) ? value[key] : undefined;
}

/** Always: faster than Reflect.get, which does not become one load. */
function isKeyed(_value: object): _value is Readonly<Record<symbol, unknown>> {
  return true;
}
