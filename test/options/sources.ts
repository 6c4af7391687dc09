import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import type { OptionSources } from '#src/options/index.js';

/** What `called` returns, or the text of the ConfigError that it throws. */
export function messageOf(called: () => string): string {
  try {
    return called();
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError);
    return String(error);
  }
}

/** Values that no caller with types could pass. */
export const untyped = (code: Record<string, unknown>): OptionSources => ({ code: code as OptionSources['code'] & {} });
