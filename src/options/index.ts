/**
 * The options of Millrace: their table, and the merge of code, environment and config file, with the origin of each value.
 * Called by the code that starts a runtime, and by `millrace config`. Also the check of the options of a call in code. Keeps no resolved values: callers own them.
 */
export { describeOptions, type OptionDescription } from './describe.js';
export { type Accepted, accepted, type AcceptedOptions, checkOptions } from './given-options.js';
export {
  type LaunchParameters,
  launchTable,
  launchVariable,
  launchVariables,
  readLaunch,
} from './launch-parameters.js';
export { nearestName } from './nearest-name.js';
export { OPTIONS_FILE, type OptionsFile, readOptionsFile } from './options-file.js';
export { type OptionSources, type Provenance, type ResolvedOptions, resolveOptions } from './resolve.js';
export { type OptionName, type OptionValues, optionNames, optionTable, variableOf } from './table.js';
