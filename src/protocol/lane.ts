/**
 * A lane keeps its own order, frames and credit on a link. Control traffic never waits behind data. The lane of a
 * method is static, so priority never breaks the order between a sender and a receiver.
 */
export const Lane = { control: 0, data: 1 } as const;
export type Lane = (typeof Lane)[keyof typeof Lane];
export const LANES: readonly Lane[] = [Lane.control, Lane.data];
