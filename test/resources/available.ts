import { MillraceError } from '#src/errors.js';
import { syntheticTopology } from '#src/resources/index.js';

/** Why there is no libhwloc here, or undefined where it is. */
function lackingHwloc(): string | undefined {
  try {
    syntheticTopology('pu:1');
    return undefined;
  } catch (error) {
    if (error instanceof MillraceError) return error.message;
    throw error;
  }
}

export const lacking = lackingHwloc();

/** As `describe`, where libhwloc is; elsewhere one pending test that says what is lacking. */
export function describeWithHwloc(title: string, body: () => void): void {
  if (lacking === undefined) describe(title, body);
  else it.skip(`${title}: ${lacking}`);
}
