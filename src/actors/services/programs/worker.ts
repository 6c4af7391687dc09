/** The program of a node that has none of its own: a runtime of the run, which offers its partitions until it is told to end. */
import { Runtime, stopOnSignals } from '../../runtime/index.js';

const runtime = await Runtime.current();
await stopOnSignals(runtime).stopped;
process.exit();
