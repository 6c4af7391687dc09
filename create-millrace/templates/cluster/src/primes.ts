import { defineComponent } from 'millrace';
import { Primes } from '../gen/primes.js';

/** Counts primes. Each node has up to as many containers of it as it may have, and a governor starts and stops them with the load. */
export const primes = defineComponent('primes', import.meta.url, Primes, {
  containers: { min: 1, max: 8 },
  handlers: {
    count: (_environment, { from, to }) => {
      let count = 0;
      for (let number = Math.max(from, 2); number < to; number++) if (isPrime(number)) count++;
      return { count, process: process.pid };
    },
  },
});

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return true;
}
