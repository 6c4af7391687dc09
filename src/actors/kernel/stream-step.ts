import type { Meta, Ref } from '../../protocol/index.js';
import type { Handler } from './behavior.js';
import type { Actor } from './actor.js';
import type { Delivery } from './delivery.js';
import type { ServedStream } from './served-stream.js';

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
  if (stream.isPull) cell.coldState().streams.queued--;
  stream.taken();
  if (stream.isEnded) close(cell, stream);
  else advance(cell, handler, request, stream);
}

function advance(cell: Actor, handler: Handler | undefined, request: unknown, stream: ServedStream): void {
  cell.handles(stream);
  cell.kernel.turn.enterHook(cell);
  try {
    const pull = (): Promise<unknown> => stream.pull(() => handler?.(cell.state, request, cell.context));
    const step = cell.kernel.contexts.run(stream.asyncContext, pull);
    cell.kernel.turn.leave();
    cell.suspend(step, stream.method.fullName, (result) => {
      cell.cold?.stash?.assertUnmarked();
      stream.reply(result);
      cell.handles(undefined);
    });
  } catch (error) {
    cell.kernel.turn.leave();
    cell.fail(error, stream.method.fullName, 'message');
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
