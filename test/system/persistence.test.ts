import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { LevelEngine } from '#src/actors/persistence/level/index.js';
import { PersistenceError } from '#src/errors.js';

const PROGRAMS = { 'millrace/nact': 'persister.js', 'millrace/persistence': 'typed-persister.js' };
const ACTORS = 3;

interface Line {
  readonly recovered?: readonly (readonly number[])[];
  readonly acknowledged?: readonly [actor: number, event: number];
}

/** Runs the program, kills it without warning after `lines` lines, and gives all that it has said. */
async function runAndKill(
  program: string,
  folder: string,
  first: number,
  lines: number,
  whileRunning = async () => {},
): Promise<Line[]> {
  const child = spawn(process.execPath, [pathOf(program), folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const said: Line[] = [];
  for await (const text of createInterface(child.stdout)) {
    said.push(JSON.parse(text) as Line);
    if (said.length === lines) {
      await whileRunning();
      child.kill('SIGKILL');
    }
  }
  await ended;
  expect(child.signalCode).to.equal('SIGKILL');
  return said;
}

function pathOf(program: string): string {
  return fileURLToPath(new URL(program, import.meta.url));
}

describe('events of a process that is killed', function () {
  this.timeout(180_000);

  for (const [entryPoint, program] of Object.entries(PROGRAMS)) {
    it(`are there again with ${entryPoint}, every one that was acknowledged, in order and none twice`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-persister-'));
      try {
        const acknowledged: number[][] = Array.from({ length: ACTORS }, () => []);
        const rounds = 3;
        for (let round = 0; round <= rounds; round++) {
          const [start, ...rest] = await runAndKill(
            program,
            folder,
            round * 1_000_000,
            round === rounds ? 1 : 40 + round * 37,
          );
          for (const [actor, events] of acknowledged.entries()) {
            const recovered = start?.recovered?.[actor] ?? [];
            expect(recovered, `actor ${actor} in round ${round}`).to.include.members(events);
            // Numbers only ever rise, so that equal ones, or a later one before an earlier, would show.
            expect(recovered).to.deep.equal([...new Set(recovered)].sort((left, right) => left - right));
          }
          for (const { acknowledged: event } of rest) {
            if (event !== undefined) acknowledged[event[0]]?.push(event[1]);
          }
        }
        expect(acknowledged.flat().length).to.be.greaterThan(200);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  it('are out of reach for others while it runs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-persister-'));
    try {
      let refusal: unknown;
      await runAndKill(PROGRAMS['millrace/persistence'], folder, 0, 1, async () => {
        refusal = await LevelEngine.open(folder).catch((error: unknown) => error);
      });
      expect(refusal)
        .to.be.instanceOf(PersistenceError)
        .with.property('message')
        .that.matches(/already/);
      await (await LevelEngine.open(folder)).close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
