import { ProtocolError } from '../../errors.js';
import { systemEntropy } from '../../scheduler/index.js';
import { Kinship } from '../transport/index.js';

// Whoever is in a run has its key, and can greet first in the name of a process that is starting. So each process that is started gets a secret in its
// start data, over its standard input, and says it with its first greeting.

const SECRET_BYTES = 32;

/** A secret for the start data of one process, in hexadecimal digits. */
export function newStartSecret(): string {
  return Buffer.from(systemEntropy(SECRET_BYTES)).toString('hex');
}

/** Throws ProtocolError where a greeting has another secret than the process was started with. `what`: "The greeting of node-1". */
export function assertStartSecret(said: string, expected: string, what: string): void {
  // No greeting has the empty one.
  if (expected !== '' && Kinship.isSame(Buffer.from(said), Buffer.from(expected))) return;
  throw new ProtocolError(
    `${what} was refused: it does not have the secret of the process that was started. Another process has sent it.`,
  );
}
