// Preloaded into every process and thread of a benchmark: where that is the far end of a link, it makes the trouble that TROUBLE names.
import { argv, env, kill, pid } from 'node:process';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

/** Long enough for a link to be up, and shorter than a benchmark that is not quick. */
const SOON_MS = 700;

const isFarEnd = isMainThread ? argv[1]?.endsWith('/far.js') === true : typeof workerData === 'string';
if (isFarEnd) makeTrouble();

function makeTrouble(): void {
  switch (env['TROUBLE']) {
    case 'does not come up':
      throw new Error('no luck');
    case 'dies':
      setTimeout(die, SOON_MS);
      break;
    case 'hangs':
      setTimeout(hang, SOON_MS);
      break;
    case 'does not end':
      (parentPort ?? process).on('message', (order: unknown) => order === 'end' && hang());
      break;
    default:
      throw new Error(`${env['TROUBLE']} is no trouble`);
  }
}

function die(): void {
  if (isMainThread) kill(pid, 'SIGKILL');
  throw new Error('a bad day');
}

function hang(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
