import type { Meta, Ref } from '../../protocol/index.js';
import type { Handler } from './behavior.js';
import type { Actor } from './actor.js';
import type { Delivery } from './delivery.js';
import type { ServedStream } from './served-stream.js';
import { LostResult, type StepTaker, StreamTurn } from './stream-turn.js';

/**
 * One turn of a stream that the actor serves: runs its generator's next step, or closes it. It runs like a hook, because it is no message
 * that could be stashed.
 */
export function takeStreamStep(
  cell: Actor,
  handler: Handler | undefined,
  request: unknown,
  stream: ServedStream,
): void {
  if (stream.isPull) cell.coldState().streams.stepTaken();
  stream.taken();
  if (stream.isEnded) close(cell, stream);
  else advance(cell, handler, request, stream);
}

function advance(cell: Actor, handler: Handler | undefined, request: unknown, stream: ServedStream): void {
  cell.handles(stream);
  const steps = new ActorSteps(cell, stream, () => handler?.(cell.state, request, cell.context));
  try {
    const turn = new StreamTurn(stream, steps, cell.kernel.scheduler);
    steps.over = turn.over;
    cell.suspend(turn.over, stream.method.fullName, (lost) => {
      if (lost instanceof LostResult) stream.reply(lost.result);
      cell.handles(undefined);
    });
  } catch (error) {
    cell.fail(error, stream.method.fullName, 'message');
  }
}

/** The steps of one turn of an actor. */
class ActorSteps implements StepTaker {
  /** The turn, which holds the mailbox. */
  over: Promise<unknown> | undefined;
  readonly #cell: Actor;
  readonly #stream: ServedStream;
  readonly #start: () => unknown;
  readonly #pull = (): Promise<unknown> => this.#stream.pull(this.#start);

  constructor(cell: Actor, stream: ServedStream, start: () => unknown) {
    this.#cell = cell;
    this.#stream = stream;
    this.#start = start;
  }

  step(): Promise<unknown> {
    const cell = this.#cell;
    cell.kernel.turn.enterHook(cell);
    try {
      return cell.kernel.contexts.run(this.#stream.asyncContext, this.#pull);
    } finally {
      cell.kernel.turn.leave();
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
function close(cell: Actor, stream: ServedStream): void {
  const what = `the end of ${stream.method.fullName}`;
  cell.handles(new Closing(stream));
  cell.kernel.turn.enterHook(cell);
  try {
    const closed = cell.kernel.contexts.run(stream.asyncContext, () => stream.close());
    cell.kernel.turn.leave();
    if (closed === undefined) cell.handles(undefined);
    else cell.suspend(closed, what, () => cell.handles(undefined));
  } catch (error) {
    cell.kernel.turn.leave();
    cell.fail(error, what, 'message');
  }
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
