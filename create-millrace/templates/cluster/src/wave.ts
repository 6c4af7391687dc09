/** Requests of a second: 2 to 30, and up and down again in a minute. */
export function waveAt(second: number): number {
  return Math.round(16 - 14 * Math.cos((second * 2 * Math.PI) / 60));
}
