import type { Meta, Ref } from '../../protocol/index.js';
import type { Handler } from './behavior.js';
import type { ActorCell } from './cell.js';
import type { Delivery } from './delivery.js';
import { fail } from './lifecycle.js';
import type { ServedStream } from './served-stream.js';

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
  enter(cell);
  try {
    const pull = (): Promise<unknown> => stream.pull(() => handler?.(cell.state, request, cell.context));
    const step = cell.kernel.contexts.run(stream.asyncContext, pull);
    leave(cell);
    cell.suspend(step, stream.method.fullName, (result) => {
      cell.cold?.stash?.assertUnmarked();
      stream.reply(result);
      cell.current = undefined;
    });
  } catch (error) {
    leave(cell);
    fail(cell, error, stream.method.fullName, 'message');
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
