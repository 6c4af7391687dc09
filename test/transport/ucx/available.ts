import { ResourceError } from '#src/errors.js';
import { UcxLibrary } from '#src/transport/ucx/index.js';

/** Why there is no UCX here, or undefined where it is. */
export function lackingUcx(): string | undefined {
  try {
    new UcxLibrary().load();
    return undefined;
  } catch (error) {
    if (error instanceof ResourceError) return error.message;
    throw error;
  }
}

/** As `describe`, where UCX is; elsewhere one pending test that says what is missing. */
export function describeWithUcx(title: string, body: () => void): void {
  if (missing === undefined) describePatiently(title, body);
  else it.skip(`${title}: ${missing}`);
}

function describePatiently(title: string, body: () => void): void {
  describe(title, function () {
    // Two ends that wake each other take long where both wait for a processor.
    this.timeout(180_000);
    body();
  });
}

const missing = lackingUcx();
