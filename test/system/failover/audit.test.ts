import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { audit } from './audit.js';
import { ELEMENTS } from './nodes.js';

/** Ids that process 1 makes. */
const [A, B] = [2 ** 20 + 1, 2 ** 20 + 2];
const RUN = `parcels-${A}`;
const WHOLE = Array.from({ length: ELEMENTS }, (_none, id) => [
  `wrote ${RUN}/${B} ${id}`,
  `sank ${RUN}/${B} ${id}`,
]).flat();

interface Case {
  readonly title: string;
  /** Of process 1, which sends. */
  readonly sender: readonly string[];
  /** Of process 2, in which the actor 7 runs. */
  readonly receiver?: readonly string[];
  readonly isKilled?: boolean;
  readonly faults: readonly RegExp[];
  readonly takenByKilled?: number;
}

const CASES: readonly Case[] = [
  { title: 'a tell that was handled', sender: [`tell ${A} 7`], receiver: [`told ${A} 7`], faults: [] },
  { title: 'a tell that is a dead letter', sender: [`tell ${A} 7`, `dead ${A}`], faults: [] },
  { title: 'a tell that was refused', sender: [`tell ${A} 7`, `refused ${A} BACKPRESSURE`], faults: [] },
  { title: 'a tell that is lost', sender: [`tell ${A} 7`], faults: [/tell .* is lost/] },
  {
    title: 'a tell that a killed process has taken',
    sender: [`tell ${A} 7`],
    isKilled: true,
    faults: [],
    takenByKilled: 1,
  },
  {
    title: 'a tell that was handled twice',
    sender: [`tell ${A} 7`],
    receiver: [`told ${A} 7`, `told ${A} 7`],
    faults: [/handled twice/],
  },
  {
    title: 'a tell that was handled, and is a dead letter',
    sender: [`tell ${A} 7`, `dead ${A}`],
    receiver: [`told ${A} 7`],
    faults: [/was handled by 7, and is dead/],
  },
  {
    title: 'a tell that was handled just before the kill, and is a dead letter',
    sender: [`tell ${A} 7`, `dead ${A}`],
    receiver: [`told ${A} 7`],
    isKilled: true,
    faults: [],
  },
  {
    title: 'tells out of order',
    sender: [`tell ${A} 7`, `tell ${B} 7`],
    receiver: [`told ${B} 7`, `told ${A} 7`],
    faults: [/handled behind/],
  },
  { title: 'a tell that nobody has sent', sender: [], receiver: [`told ${A} 7`], faults: [/never sent/] },
  { title: 'an ask that was answered', sender: [`ask ${A}`, `reply ${A}`], receiver: [`asked ${A}`], faults: [] },
  {
    title: 'an ask that has failed, and was handled',
    sender: [`ask ${A}`, `error ${A} ASK_TIMEOUT`],
    receiver: [`asked ${A}`],
    faults: [],
  },
  { title: 'an ask that hangs', sender: [`ask ${A}`], faults: [/never settled/] },
  { title: 'an ask that was answered, and not handled', sender: [`ask ${A}`, `reply ${A}`], faults: [/never handled/] },
  {
    title: 'an ask that was handled twice',
    sender: [`ask ${A}`, `reply ${A}`],
    receiver: [`asked ${A}`, `asked ${A}`],
    faults: [/handled twice/],
  },
  {
    title: 'an ask that has another reply',
    sender: [`ask ${A}`, `wrong-reply ${A}`],
    faults: [/has written "wrong-reply/, /never settled/],
  },
  {
    title: 'an ask with an error of another kind',
    sender: [`ask ${A}`, `error ${A} untyped:"TypeError"`],
    faults: [/untyped/],
  },
  { title: 'a run that has ended well', sender: [`run ${RUN}`, ...WHOLE, `ran ${RUN} ok`], faults: [] },
  { title: 'a run that has failed', sender: [`run ${RUN}`, `ran ${RUN} PIPELINE`], faults: [] },
  { title: 'a run that hangs', sender: [`run ${RUN}`, ...WHOLE], faults: [/never settled/] },
  {
    title: 'a run that lacks an element',
    sender: [`run ${RUN}`, ...WHOLE.slice(0, -1), `ran ${RUN} ok`],
    faults: [/without all/],
  },
  {
    title: 'a gap in a run',
    sender: [`run ${RUN}`, ...WHOLE.filter((_line, index) => index !== 3), `ran ${RUN} PIPELINE`],
    faults: [/came where 1 was to come/],
  },
  {
    title: 'an element that comes twice',
    sender: [`run ${RUN}`, ...WHOLE.slice(0, 2), `sank ${RUN}/${B} 0`, `ran ${RUN} PIPELINE`],
    faults: [/came where 1 was to come/],
  },
];

describe('the comparison of what was sent with what was handled', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-audit-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const { title, sender, receiver = [], isKilled = false, faults, takenByKilled = 0 } of CASES) {
    it(`${faults.length === 0 ? 'accepts' : 'finds'} ${title}`, () => {
      const journals = [sender, ['home 7', ...receiver]].map((lines, index) => {
        const journal = join(folder, String(index));
        writeFileSync(journal, lines.map((line) => `${line}\n`).join(''));
        return { number: index + 1, journal, isKilled: isKilled && index === 1 };
      });
      const found = audit(journals);
      expect(found.faults).to.have.length(faults.length, found.faults.join('; '));
      for (const [index, fault] of faults.entries()) expect(found.faults[index]).to.match(fault);
      expect(found.takenByKilled).to.equal(takenByKilled);
    });
  }
});
