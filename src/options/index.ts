/**
 * The options of Millrace: one table, and the merge of code, environment and config file with where each value came from.
 * Called by whoever starts a runtime, and by `millrace config`. Must never keep a resolved value: callers own what they resolve.
 */
export { describeOptions, type OptionDescription } from './describe.js';
export { nearestName } from './nearest-name.js';
export { OPTIONS_FILE, type OptionsFile, readOptionsFile } from './options-file.js';
export { type OptionSources, type Provenance, type ResolvedOptions, resolveOptions } from './resolve.js';
export { type OptionName, type OptionValues, optionNames, optionTable } from './table.js';
