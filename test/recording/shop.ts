import { type ActorRef, behavior, type Context, type UntypedRef } from '#src/actors/kernel/index.js';
import { Errands } from '../actors/transport/errands.js';

type Book = { total: number; helper: ActorRef<typeof Errands> | undefined };

/** What a test may change in the shop's behavior, to see that a replay tells. */
export interface Changes {
  readonly reply?: (total: number) => number;
  readonly push?: (book: Book, value: number, ctx: Context<Book>) => void;
}

export const helper = behavior(Errands, {
  push: () => {},
  urge: () => {},
  run: (_state, { value }) => ({ value: value * 10 }),
  rush: () => {
    throw new Error('too fast');
  },
});

/** Does a little of everything that an actor can do. */
export function shop({ reply = (total) => total, push }: Changes = {}) {
  return behavior(Errands, {
    state: (ctx): Book => {
      const child = ctx.spawn(helper, { name: 'helper' });
      ctx.watch(child);
      return { total: Math.floor(ctx.scheduler.random() * 1_000), helper: child };
    },
    push: (book, { value }, ctx) => (push ?? add)(book, value, ctx),
    urge: (book, { value }, ctx) => {
      const timer = ctx.every(10, () => {
        book.total += 1;
        book.helper?.push({ value: book.total });
        if (ctx.scheduler.now() > value) ctx.cancel(timer);
      });
    },
    run: async (book, { value }) => {
      const answer = await book.helper?.run({ value });
      book.helper?.push({ value: answer?.value ?? 0 });
      return { value: reply(book.total + (answer?.value ?? 0)) };
    },
    rush: async (book, { value }) => {
      const problem = await book.helper?.rush({ value }).then(
        () => '',
        (error: unknown) => (error instanceof Error ? error.constructor.name : ''),
      );
      return { value: problem?.length ?? 0 };
    },
    on: {
      terminated: (book, { ref }: { ref: UntypedRef }) => {
        if (ref === book.helper) book.helper = undefined;
      },
      stopping: (book) => void (book.total = 0),
    },
  });

  function add(book: Book, value: number): void {
    if (value > 1_000) throw new RangeError('too much');
    book.total += value;
  }
}
