/** Shoppers a second of a day in the shop, as they were recorded: they become more, come in a burst at noon, and become fewer. */
const RECORDED: readonly number[] = [
  6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 58, 60, 60, 59, 57, 60, 58, 24, 20, 18, 16, 14, 13, 12, 11, 10, 9, 8, 7, 6, 6, 5,
  5, 4, 4, 4, 3, 3, 3, 3,
];

/** Where the burst is, as parts of the day. */
export const BURST = { from: 10 / RECORDED.length, to: 17 / RECORDED.length };

/** When shoppers come, in ms, for a day of so many seconds. Their number in each second is as recorded, however long the day is. */
export function* arrivals(seconds: number): Generator<number> {
  const partMs = (1_000 * seconds) / RECORDED.length;
  for (const [part, perSecond] of RECORDED.entries()) {
    const count = Math.round((perSecond * partMs) / 1_000);
    for (let each = 0; each < count; each++) yield partMs * (part + each / count);
  }
}
