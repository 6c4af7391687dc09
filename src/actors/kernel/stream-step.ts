import type { Meta, Ref } from '../../protocol/index.js';
import type { Handler } from './behavior.js';
import type { ActorCell } from './cell.js';
import type { Delivery } from './delivery.js';
import { fail } from './lifecycle.js';
import type { ServedStream } from './served-stream.js';
import { LostResult, type StepTaker, StreamTurn } from './stream-turn.js';

/** One turn of a stream that the actor serves: runs its generator's next step, or closes it. */
export function takeStreamStep(
  cell: ActorCell,
  handler: Handler | undefined,
  request: unknown,
  stream: ServedStream,
): void {
  if (stream.isPull) cell.coldState().streams.queued--;
  stream.taken();
  if (stream.isEnded) close(cell, stream);
  else advance(cell, handler, request, stream);
}

function advance(cell: ActorCell, handler: Handler | undefined, request: unknown, stream: ServedStream): void {
  cell.current = stream;
  const steps = new ActorSteps(cell, stream, () => handler?.(cell.state, request, cell.context));
  try {
    const turn = new StreamTurn(stream, steps, cell.kernel.scheduler);
    steps.over = turn.over;
    cell.suspend(turn.over, stream.method.fullName, (lost) => {
      if (lost instanceof LostResult) stream.reply(lost.result);
      cell.current = undefined;
    });
  } catch (error) {
    fail(cell, error, stream.method.fullName, 'message');
  }
}

/** The steps of one turn of an actor. */
class ActorSteps implements StepTaker {
  /** The turn, which holds the mailbox. */
  over: Promise<unknown> | undefined;
  readonly #cell: ActorCell;
  readonly #stream: ServedStream;
  readonly #start: () => unknown;
  readonly #pull = (): Promise<unknown> => this.#stream.pull(this.#start);

  constructor(cell: ActorCell, stream: ServedStream, start: () => unknown) {
    this.#cell = cell;
    this.#stream = stream;
    this.#start = start;
  }

  step(): Promise<unknown> {
    const cell = this.#cell;
    enter(cell);
    try {
      return cell.kernel.contexts.run(this.#stream.asyncContext, this.#pull);
    } finally {
      leave(cell);
      cell.kernel.contexts.check();
    }
  }

  holds(): boolean {
    const { cold, pending } = this.#cell;
    cold?.stash?.assertUnmarked();
    cold?.idle?.touch();
    return pending === this.over;
  }

  mayGoOn(): boolean {
    const cell = this.#cell;
    return cell.isQuiet && cell.cold?.waitingRoom === undefined;
  }

  spent(steps: number, isLong: boolean): void {
    this.#cell.kernel.dispatcher.spent(steps - 1, isLong);
  }
}

/** The reader has left: runs the generator's `finally`. No caller waits for it. */
function close(cell: ActorCell, stream: ServedStream): void {
  const what = `the end of ${stream.method.fullName}`;
  cell.current = new Closing(stream);
  enter(cell);
  try {
    const closed = cell.kernel.contexts.run(stream.asyncContext, () => stream.close());
    leave(cell);
    if (closed === undefined) cell.current = undefined;
    else cell.suspend(closed, what, () => void (cell.current = undefined));
  } catch (error) {
    leave(cell);
    fail(cell, error, what, 'message');
  }
}

/** A pull runs like a hook, because it is no message that could be stashed. */
function enter(cell: ActorCell): void {
  cell.kernel.running = cell;
  cell.kernel.isInHook = true;
}

function leave(cell: ActorCell): void {
  cell.kernel.running = undefined;
  cell.kernel.isInHook = false;
}

/** The delivery during a generator's close: as that of its pulls, but without a waiting caller. */
class Closing implements Delivery {
  readonly deadlineMs = Number.POSITIVE_INFINITY;
  readonly chain = undefined;
  readonly sizeBytes = 0;
  readonly isOfStream = true;
  readonly #stream: ServedStream;

  constructor(stream: ServedStream) {
    this.#stream = stream;
  }

  get meta(): Meta | undefined {
    return this.#stream.meta;
  }

  get sender(): Ref | undefined {
    return this.#stream.sender;
  }

  reply(): void {}

  fail(): void {}
}
