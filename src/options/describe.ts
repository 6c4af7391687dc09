import { withoutSecrets } from '../foreign.js';
import type { Provenance, ResolvedOptions } from './resolve.js';
import { type OptionName, optionNames, optionTable, variableOf } from './table.js';

/** One option as `millrace config` and docs/options.md show it. */
export interface OptionDescription {
  readonly name: OptionName;
  readonly variable: string;
  readonly accepts: string;
  readonly default: string;
  readonly description: string;
  /** The value, without passwords, and its origin; undefined without resolved options. */
  readonly value: string | undefined;
  readonly from: string | undefined;
}

export function describeOptions(resolved?: ResolvedOptions): OptionDescription[] {
  return optionNames.map((name) => {
    const option: { default: unknown; defaultText?: string; accepts: string; description: string } = optionTable[name];
    return {
      name,
      variable: variableOf(name),
      accepts: option.accepts,
      default: option.defaultText ?? String(option.default),
      description: option.description,
      value: resolved && withoutSecrets(String(resolved.values[name])),
      from: resolved && inWords(resolved.provenance[name]),
    };
  });
}

function inWords(provenance: Provenance): string {
  switch (provenance.source) {
    case 'environment':
      return provenance.variable;
    case 'file':
      return provenance.path;
    default:
      return provenance.source;
  }
}
