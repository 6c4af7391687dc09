import { openSync, readFileSync, writeSync } from 'node:fs';

/**
 * What a process has sent and handled, written line by line, so that it is there after `kill -9`:
 *
 *     home CUID         an actor with this channel id runs here
 *     tell ID TO        a tell is sent to the actor with the channel id TO, or to `group`
 *     refused ID CODE   it was not accepted
 *     dead ID           it is a dead letter
 *     ask ID            an ask is sent
 *     reply ID          it was answered
 *     error ID CODE     it has failed
 *     wrong-reply ID    it was answered with something else
 *     told ID BY        a tell is handled by the actor with the channel id BY
 *     asked ID          an ask is handled
 *     run RUN           a run of a pipeline begins
 *     ran RUN RESULT    it has ended: `ok`, or the code of its error
 *     wrote TRY NUMBER  its source has written an element, in the try TRY = RUN/ID
 *     sank TRY NUMBER   its sink has got it
 */
export class Journal {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(...words: readonly (string | number | bigint)[]): void {
    writeSync(this.#file, `${words.join(' ')}\n`);
  }
}

/** The lines of a journal. The last one may have been cut off by a kill. */
export function readJournal(path: string): readonly (readonly string[])[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => line.split(' '));
}
