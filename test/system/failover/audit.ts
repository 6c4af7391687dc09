import { makerOf } from './ids.js';
import { readJournal } from './journal.js';
import { ELEMENTS } from './nodes.js';

/** A process that has been started: its number, its journal, and whether it was killed. */
export interface Incarnation {
  readonly number: number;
  readonly journal: string;
  readonly isKilled: boolean;
}

/** What became of everything that was sent, as both ends have written it down. */
export interface Audit {
  /** Sentences. Each is a fault. */
  readonly faults: readonly string[];
  /** How often each kind of line was written; errors and results by their code. */
  readonly counts: Readonly<Record<string, number>>;
  /** Tells of living processes that a killed one had taken and not handled: nobody can know of them. */
  readonly takenByKilled: number;
}

interface Tell {
  readonly id: string;
  readonly to: string;
  end: 'sent' | 'refused' | 'dead';
}

/** A tell to a group of which a member was killed at that moment may have been taken by that. */
const GROUP = 'group';

class Books {
  readonly faults: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly tells = new Map<string, Tell>();
  readonly asks = new Map<string, string | undefined>();
  /** By the id of the message. */
  readonly told = new Map<string, string>();
  readonly asked = new Set<string>();
  /** Numbers of the processes in which actors run, by channel id. */
  readonly homes = new Map<string, number>();
  readonly runs = new Map<string, string | undefined>();
  /** Elements that have arrived, by run and try. */
  readonly sunk = new Map<string, number>();
  readonly written = new Map<string, number>();
  /** The last id that an actor has handled of each sender. */
  readonly #lastTold = new Map<string, number>();
  readonly #reads: Readonly<Record<string, (words: readonly string[], by: number) => void>> = {
    tell: ([id = '', to = '']) => void this.tells.set(id, { id, to, end: 'sent' }),
    refused: ([id = '']) => this.#end(id, 'refused'),
    dead: ([id = '']) => this.#end(id, 'dead'),
    ask: ([id = '']) => void this.asks.set(id, undefined),
    reply: ([id = '']) => this.#settle(id, 'reply'),
    error: ([id = '', code = '']) => this.#settle(id, code),
    told: ([id = '', by = ''], number) => this.#handle(id, by, number),
    asked: ([id = '']) => {
      if (this.asked.has(id)) this.faults.push(`ask ${id} was handled twice`);
      this.asked.add(id);
    },
    home: ([cUid = ''], number) => void this.homes.set(cUid, number),
    run: ([run = '']) => void this.runs.set(run, undefined),
    ran: ([run = '', result = '']) => void this.runs.set(run, result),
    wrote: ([attempt = '', count = '']) => void this.written.set(attempt, Number(count) + 1),
    sank: ([attempt = '', count = '']) => {
      const expected = this.sunk.get(attempt) ?? 0;
      if (Number(count) !== expected)
        this.faults.push(`element ${count} of ${attempt} came where ${expected} was to come`);
      this.sunk.set(attempt, Number(count) + 1);
    },
  };

  read({ number, journal }: Incarnation): void {
    for (const [what = '', ...words] of readJournal(journal)) {
      const read = this.#reads[what];
      if (read === undefined) this.faults.push(`process ${number} has written "${[what, ...words].join(' ')}"`);
      read?.(words, number);
      const code = what === 'error' || what === 'ran' || what === 'refused' ? ` ${words[1]}` : '';
      this.counts[what + code] = (this.counts[what + code] ?? 0) + 1;
      if (code.startsWith(' untyped:')) this.faults.push(`process ${number} has written "${what} ${words.join(' ')}"`);
    }
  }

  #end(id: string, end: 'refused' | 'dead'): void {
    const tell = this.tells.get(id);
    if (tell === undefined) this.faults.push(`tell ${id} is ${end}, and was never sent`);
    else if (tell.end !== 'sent') this.faults.push(`tell ${id} is ${tell.end} and ${end}`);
    else tell.end = end;
  }

  #settle(id: string, result: string): void {
    if (this.asks.get(id) !== undefined) this.faults.push(`ask ${id} has ended twice: ${this.asks.get(id)}, ${result}`);
    this.asks.set(id, result);
  }

  #handle(id: string, by: string, number: number): void {
    if (this.told.has(id)) this.faults.push(`tell ${id} was handled twice`);
    this.told.set(id, by);
    this.homes.set(by, number);
    const sender = `${makerOf(id)} to ${by}`;
    const last = this.#lastTold.get(sender) ?? 0;
    if (Number(id) < last) this.faults.push(`tell ${id} was handled behind ${last}`);
    this.#lastTold.set(sender, Number(id));
  }
}

/** Compares the journals of all processes that there were. */
export function audit(incarnations: readonly Incarnation[]): Audit {
  const books = new Books();
  for (const incarnation of incarnations) books.read(incarnation);
  const killed = new Set(incarnations.filter(({ isKilled }) => isKilled).map(({ number }) => number));
  const { faults, counts } = books;
  checkAsks(books, killed);
  checkRuns(books, killed);
  return { faults, counts, takenByKilled: checkTells(books, killed) };
}

/** A process that was killed waits for nothing. */
function checkAsks({ asks, asked, faults }: Books, killed: ReadonlySet<number>): void {
  for (const [id, result] of asks) {
    if (result === undefined && !killed.has(makerOf(id))) faults.push(`ask ${id} was never settled`);
    if (result === 'reply' && !asked.has(id)) faults.push(`ask ${id} was answered, and never handled`);
  }
  for (const id of asked) if (!asks.has(id)) faults.push(`ask ${id} was handled, and never sent`);
}

/** Returns how many were taken by processes that were killed. */
function checkTells({ tells, told, homes, faults }: Books, killed: ReadonlySet<number>): number {
  let taken = 0;
  for (const { id, to, end } of tells.values()) {
    const by = told.get(id);
    const home = homes.get(by ?? to);
    const mayBeKilled = home === undefined ? to === GROUP || killed.size > 0 : killed.has(home);
    if (by !== undefined && end !== 'sent' && !mayBeKilled)
      faults.push(`tell ${id} was handled by ${by}, and is ${end}`);
    if (by !== undefined || end !== 'sent' || killed.has(makerOf(id))) continue;
    if (mayBeKilled) taken += 1;
    else faults.push(`tell ${id} to ${to}, in process ${home}, is lost`);
  }
  for (const id of told.keys()) if (!tells.has(id)) faults.push(`tell ${id} was handled, and never sent`);
  return taken;
}

function checkRuns({ runs, sunk, written, faults }: Books, killed: ReadonlySet<number>): void {
  for (const [attempt, count] of sunk) {
    // The sink may write an element down before its source does.
    if (count > (written.get(attempt) ?? 0) + 1)
      faults.push(`${attempt}: ${count} elements came of ${written.get(attempt)}`);
  }
  for (const [run, result] of runs) {
    const isWhole = [...sunk].some(([attempt, count]) => attempt.startsWith(`${run}/`) && count === ELEMENTS);
    if (result === 'ok' && !isWhole) faults.push(`run ${run} has ended well, without all of its elements`);
    const [, id = ''] = run.split('-');
    if (result === undefined && !killed.has(makerOf(id))) faults.push(`run ${run} was never settled`);
  }
}
