declare const borrowed: unique symbol;

/**
 * The bytes of a field with `option (millrace.v1.borrow) = true`. They may lie in the memory of the sender, which is used again when the handler that
 * got the message has settled; those of a stream's element, when the next element is asked for. `ctx.retain(bytes)` keeps them longer, and
 * `bytes.slice()` copies them. Only `create` makes a message with such a field, of any Uint8Array.
 */
export type BorrowedBytes = Uint8Array & { readonly [borrowed]: true };
