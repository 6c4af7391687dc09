// The process in which one target is fuzzed: `node build/test/slow/fuzz/program.js TARGET [--seconds N] [--seed N] [--replay FILE]
// [--write-corpus]`. It exits with 1 after a finding. `watch.ts` starts it, and watches it.
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readCorpus, writeCorpus } from './corpus.js';
import { Fuzzer } from './fuzzer.js';
import { type Target, trial } from './target.js';
import { targetOf } from './targets.js';

/** Where inputs are written: the folder of all that is built. */
const FOLDER = 'build/fuzz';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
    'write-corpus': { type: 'boolean', default: false },
  },
});
const [name = ''] = positionals;
// Most inputs end in an error, and its stack is what costs most.
Error.stackTraceLimit = values.replay === undefined ? 3 : 20;
let current: Uint8Array = new Uint8Array(0);
mkdirSync(FOLDER, { recursive: true });
const log = openSync(`${FOLDER}/${name}.current`, 'w+');
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => report(current, error));
}
const target = await targetOf(name);
if (values.replay === undefined) await fuzz(target);
else await replay(target, readFileSync(values.replay));
await target.close?.();

async function fuzz(fuzzed: Target): Promise<void> {
  const seed = Number(values.seed);
  const fuzzer = new Fuzzer(fuzzed, {
    seed,
    seconds: Number(values.seconds),
    corpus: readCorpus(name),
    feeding: (input) => {
      current = input;
      keep(input);
    },
  });
  const { inputs, blocks, corpus, found } = await fuzzer.run();
  if (values['write-corpus']) writeCorpus(name, corpus);
  console.log(`${name}: ${inputs} inputs, ${blocks} blocks, ${corpus.length} inputs kept, seed ${seed}`);
  if (found !== undefined) report(found.input, found.error);
}

async function replay(fuzzed: Target, input: Uint8Array): Promise<void> {
  current = input;
  const error = await trial(fuzzed, input);
  if (error === undefined) console.log(`${name}: nothing is wrong with this input`);
  else report(input, error);
}

/** A small file that outlives the process: the length of the input, then the input. */
function keep(input: Uint8Array): void {
  const record = Buffer.alloc(4 + input.length);
  record.writeUInt32LE(input.length);
  record.set(input, 4);
  writeSync(log, record, 0, record.length, 0);
}

function report(input: Uint8Array, error: unknown): never {
  const path = `${FOLDER}/${name}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`;
  writeFileSync(path, input);
  console.error(error instanceof Error ? error.stack : error);
  console.error(`replay it with: node build/test/slow/fuzz/program.js ${name} --replay ${path}`);
  process.exit(1);
}
