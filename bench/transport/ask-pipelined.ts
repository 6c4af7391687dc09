import type { Question } from '../harness/question.js';
import { rates, type Work } from './measure.js';

const IN_FLIGHT = 64;

/** Asks to an echo actor, with 64 in flight. */
export const askPipelined: Question = rates(
  {
    slug: 'ask-pipelined',
    metric: `asks answered, ${IN_FLIGHT} in flight`,
    unit: 'thousand a second',
    isMoreBetter: true,
    limits: {},
    fewest: IN_FLIGHT * 2,
  },
  pipelined,
  (perSecond) => perSecond / 1e3,
);

function pipelined(...[client, sizeBytes, count]: Parameters<Work>): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    let answers = 0;
    const ask = (): void => {
      left -= 1;
      client.ask(sizeBytes, answered);
    };
    const answered = (): void => {
      answers += 1;
      if (left > 0) ask();
      else if (answers === count) resolve();
    };
    for (let index = Math.min(count, IN_FLIGHT); index > 0; index -= 1) ask();
  });
}
