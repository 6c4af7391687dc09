import { readFile as readWithCallback } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { expect } from 'chai';
import { type UndeclaredWork, VirtualScheduler } from '#src/scheduler/index.js';

const here = new URL(import.meta.url).pathname;

/** Runs `program` as a turn of a simulation, and resolves to what was found of it. */
async function find(program: (scheduler: VirtualScheduler) => unknown): Promise<UndeclaredWork[]> {
  const found: UndeclaredWork[] = [];
  const scheduler = new VirtualScheduler({ seed: 7, onUndeclared: (work) => found.push(work) });
  try {
    await new Promise<void>((resolve, reject) => {
      scheduler.schedule(() => {
        Promise.resolve(program(scheduler)).then(() => resolve(), reject);
      });
    });
  } finally {
    scheduler.close();
  }
  return found;
}

function types(found: readonly UndeclaredWork[]): string[] {
  return found.map(({ type }) => type);
}

async function load(path: string): Promise<number> {
  const first = await readFile(path);
  await sleep(1);
  const second = await readFile(path);
  return first.length + second.length;
}

describe('undeclared work of a simulation', () => {
  it('is a real timer, with the line that set it', async () => {
    const found = await find(() => new Promise((resolve) => void setTimeout(resolve, 1)));
    expect(types(found)).to.deep.equal(['Timeout']);
    expect(found[0]?.place).to.match(/undeclared-work\.test\.[jt]s:\d+:\d+$/);
  });

  const undeclared: Record<string, () => unknown> = {
    'an immediate': () => new Promise((resolve) => void setImmediate(resolve)),
    'an interval': () =>
      new Promise<void>((resolve) => {
        const interval = setInterval(() => {
          clearInterval(interval);
          resolve();
        }, 1);
      }),
    'a file by promise': () => readFile(here),
    'a file by callback': () => new Promise((resolve) => readWithCallback(here, resolve)),
    'a promised timer': () => sleep(1),
    'a compression': () => promisify(deflate)(Buffer.alloc(100)),
    'a server': () =>
      new Promise<void>((resolve) => {
        // With the name of a host it would begin in a later turn, behind its resolution.
        const server = createServer().listen(0, () => server.close(() => resolve()));
      }),
    'work behind an await': async () => {
      await Promise.resolve();
      await readFile(here);
    },
  };
  for (const [what, program] of Object.entries(undeclared)) {
    it(`is ${what}`, async () => {
      const found = await find(program);
      expect(found).to.not.deep.equal([]);
      for (const { place } of found) expect(place).to.contain('undeclared-work.test');
    });
  }

  const declared: Record<string, (scheduler: VirtualScheduler) => unknown> = {
    'a file': (scheduler) => scheduler.outside(readFile(here)),
    'a file by callback': (scheduler) =>
      scheduler.outside(new Promise((resolve) => readWithCallback(here, () => resolve(0)))),
    'what a promisified function begins': (scheduler) => scheduler.outside(promisify(deflate)(Buffer.alloc(100))),
    'a timer': (scheduler) => scheduler.outside(sleep(1)),
    'all that an async function begins, later, too': (scheduler) => scheduler.outside(load(here)),
    'a reaction': (scheduler) => scheduler.outside(readFile(here).then(({ length }) => length)),
    'many at once': (scheduler) => scheduler.outside(Promise.all([readFile(here), load(here), sleep(2)])),
    'the first of many': (scheduler) =>
      scheduler.outside(Promise.race([readFile(here), sleep(1_000, 0, { ref: false })])),
    'what is declared in a later line': async (scheduler) => {
      const loading = load(here);
      const [size] = [1 + 1];
      await scheduler.outside(loading);
      return size;
    },
    'one after the other': async (scheduler) => {
      await scheduler.outside(readFile(here));
      await scheduler.outside(load(here));
    },
  };
  for (const [what, program] of Object.entries(declared)) {
    it(`is not ${what} when it is declared`, async () => {
      expect(await find(program)).to.deep.equal([]);
    });
  }

  it('is found beside and behind work that is declared', async () => {
    const found = await find(async (scheduler) => {
      const timer = new Promise((resolve) => void setTimeout(resolve, 1));
      await scheduler.outside(readFile(here));
      await timer;
      await readFile(here);
    });
    expect(types(found)[0]).to.equal('Timeout');
    expect(new Set(found.map(({ place }) => place)).size).to.equal(2);
  });

  it('is told once for each line', async () => {
    const found = await find(async () => {
      for (let round = 0; round < 5; round += 1) await sleep(1);
    });
    expect(types(found)).to.deep.equal(['Timeout']);
  });

  it('is not what the scheduler itself needs, nor what is printed', async () => {
    const found = await find(async (scheduler) => {
      await new Promise<void>((resolve) => void scheduler.setTimer(60_000, resolve));
      await new Promise<void>((resolve) => scheduler.scheduleYield(resolve));
      process.stderr.write('');
    });
    expect(found).to.deep.equal([]);
  });

  it('is looked for no longer when the simulation is over, and not where nobody listens', async () => {
    const found = await find(() => {});
    await sleep(1);
    const scheduler = new VirtualScheduler({ seed: 7 });
    await sleep(1);
    scheduler.close();
    expect(found).to.deep.equal([]);
  });
});
