import type { Question } from '../harness/question.js';
import { rates, type Work } from './measure.js';

const IN_FLIGHT = 64;

/** Asking an echo, with 64 asks under way. */
export const askPipelined: Question = rates(
  { slug: 'ask-pipelined', metric: 'asks answered, 64 in flight', unit: 'M/s', isMoreBetter: true, limits: {} },
  pipelined,
  (perSecond) => perSecond / 1e6,
);

function pipelined(...[client, sizeBytes, count]: Parameters<Work>): Promise<void> {
  return new Promise((resolve) => {
    let asked = Math.min(count, IN_FLIGHT);
    let answers = 0;
    const answered = (): void => {
      answers += 1;
      if (answers === count) return resolve();
      if (asked === count) return undefined;
      asked += 1;
      return client.ask(sizeBytes, answered);
    };
    for (let index = Math.min(count, IN_FLIGHT); index > 0; index -= 1) client.ask(sizeBytes, answered);
  });
}
