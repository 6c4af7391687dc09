/** Ids of one process. */
const IDS = 2 ** 20;
const number = Number(process.env['MEMBER_NUMBER']);
let last = 0;

/** An id that no other process has. */
export function nextId(): number {
  return number * IDS + ++last;
}

/** Number of the process that has made an id. */
export function makerOf(id: string): number {
  return Math.floor(Number(id) / IDS);
}
