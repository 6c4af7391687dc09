import {
  type AsyncHook,
  asyncWrapProviders,
  createHook,
  executionAsyncId,
  executionAsyncResource,
} from 'node:async_hooks';
import { pathToFileURL } from 'node:url';
import { ownCode } from '../installation.js';

type Hook = (id: number, type: string, trigger: number, resource: object) => void;

/** A real timer or I/O that user code has started in a simulation without declaring it: a replay may differ in it. */
export interface UndeclaredWork {
  /** What was started, as Node calls it: `Timeout`, `Immediate`, `FSREQCALLBACK`, `TCPCONNECTWRAP` ... */
  readonly type: string;
  /** The line that started it: file, line and column. */
  readonly place: string;
}

/** Something asynchronous that began in the stretch of code that runs now. */
interface Begun {
  readonly resource: object;
  readonly id: number;
  readonly trigger: number;
  readonly work: UndeclaredWork | undefined;
}

/**
 * Finds what `outside` was not told of. What the promise given to it belongs to is known when it comes, not before:
 *
 *     ctx.outside( load() )         promise, file, promise ... begin, in this order, in one stretch of code
 *                  `-- all of them, from load's promise on, are declared, and so is what they begin later
 *
 * Everything else that is a timer or I/O of Node, and that a line of user code has begun, is told once for each line.
 */
export class UndeclaredWorkDetector {
  readonly #tell: (work: UndeclaredWork) => void;
  readonly #hook: AsyncHook;
  readonly #ownCode = ownCode().map((folder) => pathToFileURL(folder).href);
  readonly #declared = new WeakSet<object>();
  readonly #places = new Set<string>();
  #begun: Begun[] = [];
  #stretch = 0;
  #found: UndeclaredWork[] = [];
  #isOwn = false;

  /** Watches the whole thread, until `close`. */
  constructor(tell: (work: UndeclaredWork) => void) {
    this.#tell = tell;
    const init = (id: number, type: string, trigger: number, resource: object): void => {
      this.#began(id, type, trigger, resource, init);
    };
    this.#hook = createHook({ init });
    this.#hook.enable();
  }

  /** `work` was declared: whatever it took to begin it is no concern. */
  declare(work: Promise<unknown>): void {
    const first = this.#firstOf(work);
    this.#begun = this.#begun.filter(({ resource, id }) => {
      if (id >= first) this.#declared.add(resource);
      return id < first;
    });
  }

  /** Runs code of the scheduler: what it begins is neither a finding, nor does it inherit anything. */
  own<Result>(code: () => Result): Result {
    this.#isOwn = true;
    try {
      return code();
    } finally {
      this.#isOwn = false;
    }
  }

  /** Tells what was found. Not from within the hook, where nothing may begin. */
  tell(): void {
    this.#endStretch();
    for (const work of this.#found.splice(0)) this.#tell(work);
  }

  close(): void {
    this.tell();
    this.#hook.disable();
  }

  /** `hook` is the function that Node called: what is above it on the stack is this detector's. */
  #began(id: number, type: string, trigger: number, resource: object, hook: Hook): void {
    if (this.#isOwn) return;
    if (this.#declared.has(executionAsyncResource())) {
      this.#declared.add(resource);
      return;
    }
    const stretch = executionAsyncId();
    if (stretch !== this.#stretch) {
      this.#endStretch();
      this.#stretch = stretch;
    }
    this.#begun.push({ resource, id, trigger, work: this.#workOf(type, hook) });
  }

  #workOf(type: string, hook: Hook): UndeclaredWork | undefined {
    if (!isOutside(type)) return undefined;
    const place = userPlace(this.#ownCode, hook);
    return place === undefined || this.#places.has(place) ? undefined : { type, place };
  }

  #endStretch(): void {
    for (const { work } of this.#begun) {
      if (work !== undefined && !this.#places.has(work.place)) {
        this.#places.add(work.place);
        this.#found.push(work);
      }
    }
    this.#begun = [];
  }

  /**
   * Id of the first promise that `work` comes from: itself, or that which it is a reaction to, or one that `Promise.all` and its
   * like have been given, which leave a reaction behind on each.
   */
  #firstOf(work: Promise<unknown>): number {
    const own = this.#begun.find(({ resource }) => resource === work);
    if (own === undefined) return Number.POSITIVE_INFINITY;
    const triggers = new Map(this.#begun.map(({ id, trigger }) => [id, trigger]));
    let first = own.id;
    for (const { id } of this.#begun) {
      if (id < own.id) continue;
      for (let source: number | undefined = id; source !== undefined; source = triggers.get(source)) {
        if (triggers.has(source)) first = Math.min(first, source);
      }
    }
    return first;
  }
}

/** What completes by itself in the program's own time, and what only goes out: nothing comes back from either. */
const HARMLESS: ReadonlySet<string> = new Set([
  'ELDHISTOGRAM',
  'HEAPSNAPSHOT',
  'INSPECTORJSBINDING',
  'NONE',
  'PIPEWRAP',
  'PROMISE',
  'SHUTDOWNWRAP',
  'SIGNALWRAP',
  'TTYWRAP',
  'WRITEWRAP',
]);

function isOutside(type: string): boolean {
  return type === 'Timeout' || type === 'Immediate' || (type in asyncWrapProviders && !HARMLESS.has(type));
}

const STACK_FRAMES = 64;

/**
 * The first line of user code on the stack. Undefined when our code began it, and where a library goes on with what it began before:
 * that was found then.
 */
function userPlace(ownCode: readonly string[], hook: Hook): string | undefined {
  // In a bundle nothing tells our lines from the user's.
  if (ownCode.length === 0) return undefined;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = STACK_FRAMES;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, hook);
  Error.stackTraceLimit = stackTraceLimit;
  const frames = (holder.stack ?? '').split('\n').flatMap((line) => placeOf(line) ?? []);
  for (const place of frames) {
    if (ownCode.some((folder) => place.startsWith(folder))) return undefined;
    if (!place.includes('/node_modules/')) return place;
  }
  return undefined;
}

/** `    at load (file:///app/prices.js:3:9)` -> `file:///app/prices.js:3:9`; undefined for a frame of Node itself. */
function placeOf(line: string): string | undefined {
  const place = /^\s+at (?:.*\()?((?:file:\/\/)?\/.*:\d+:\d+)\)?$/.exec(line)?.[1];
  return place?.startsWith('/') === true ? `file://${place}` : place;
}
