import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Time without a new input after which a target counts as hanging, in ms: no input takes more than a fraction of it. */
const HANG_MS = 20_000;
/** Heap of the process that fuzzes, in MiB: a decoder that needs more for 4 KiB has no bound. */
const HEAP_MIB = 512;

export interface Fuzzed {
  /** What the process printed, and how it ended where that was not in order. */
  readonly output: string;
  readonly hasFound: boolean;
}

/** Fuzzes a target in a process of its own, which may die or hang: then the input is found in its file. */
export function fuzz(target: string, seconds: number, seed: number): Promise<Fuzzed> {
  const flags = ['--expose-gc', `--max-old-space-size=${HEAP_MIB}`];
  const args = ['build/test/slow/fuzz/program.js', target, '--seconds', `${seconds}`, '--seed', `${seed}`];
  const child = spawn(process.execPath, [...flags, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const file = `build/fuzz/${target}.current`;
  let last = '';
  let isHanging = false;
  const watchdog = setInterval(() => {
    const now = lastInput(file).toString('base64');
    isHanging = now !== '' && now === last;
    last = now;
    if (isHanging) child.kill('SIGKILL');
  }, HANG_MS);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      clearInterval(watchdog);
      if (code === 0 || code === 1) return resolve({ output, hasFound: code === 1 });
      const how = isHanging ? `hung: no new input for ${HANG_MS} ms` : `ended with ${signal ?? `code ${code}`}`;
      const path = `build/fuzz/${target}-ended.bin`;
      writeFileSync(path, lastInput(file));
      const command = `node build/test/slow/fuzz/program.js ${target} --replay ${path}`;
      return resolve({ output: `${output}\n${target} ${how}\nreplay it with: ${command}`, hasFound: true });
    });
  });
}

/** The input that a process was fed with last. Empty before the first. */
function lastInput(file: string): Buffer {
  const record = readFileSync(file);
  return record.length < 4 ? Buffer.alloc(0) : record.subarray(4, 4 + record.readUInt32LE());
}
