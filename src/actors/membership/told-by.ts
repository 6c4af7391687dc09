import { assertFromProcess, type Context, isFromProcess } from '../kernel/index.js';

/** How errors call what a member says. */
const NEWS = 'What a member of the network tells';

/** No member has this id: what has no sender is malformed. */
const NOBODY = 0n;

/** A handler of what a member tells in its own name. Refuses what another process has sent: the id of a member is the incarnation of its process. */
export function asked<Message, Reply>(
  teller: (message: Message) => bigint | undefined,
  handle: (message: Message) => Reply,
): (state: undefined, message: Message, context: Context) => Reply {
  return (_state, message, context) => {
    const from = teller(message);
    if (from !== undefined && from !== NOBODY) assertFromProcess(context, from, NEWS);
    return handle(message);
  };
}

/** The same for what nobody answers. */
export function told<Message extends { readonly from: bigint }>(
  handle: (message: Message) => void,
): (state: undefined, message: Message, context: Context) => void {
  return (_state, message, context) => {
    if (message.from === NOBODY || isFromProcess(context, message.from)) handle(message);
  };
}
