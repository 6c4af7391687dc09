import { ConfigError } from '../index.js';
import { type OptionName, optionNames, optionTable, type OptionValues, variableOf } from '../options/index.js';

interface SharedFlags {
  readonly partitions?: OptionValues['partitions'];
  readonly placement?: OptionValues['placement'];
}

/** Options that a run chooses itself, or that belong to one host. */
const NOT_SHARED: readonly OptionName[] = [
  'nodeName',
  'cpuset',
  'listen',
  'advertisedHost',
  'controlPlane',
  'clusterStore',
  'clusterRole',
  'leaseMs',
  'clusterKeyFile',
  'keyFileReaders',
  'keyless',
  'tlsCertFile',
  'tlsKeyFile',
  'tlsCaFile',
  'zmqListen',
  'wsListen',
  'wsOrigins',
];

/** Throws ConfigError for what the option does not accept, by the name of the flag that has it. */
export function checkFlag(flag: string, option: OptionName, value: string): void {
  const entry = optionTable[option];
  if (entry.check(value) !== undefined) return;
  throw new ConfigError(`${flag} is ${JSON.stringify(value)}; it accepts ${entry.accepts.replace(/^none, or /, '')}.`);
}

/** The options of the command, and those of its environment that hold for every host, as variables for the processes of the application. */
export function sharedOptions({ partitions, placement }: SharedFlags): Readonly<Record<string, string>> {
  const shared = optionNames.filter((name) => !NOT_SHARED.includes(name)).map(variableOf);
  const given = shared.flatMap((variable) => {
    const value = process.env[variable];
    return value === undefined ? [] : [[variable, value] as const];
  });
  return {
    ...Object.fromEntries(given),
    ...(partitions !== undefined && { MILLRACE_PARTITIONS: String(partitions) }),
    ...(placement !== undefined && { MILLRACE_PLACEMENT: placement }),
  };
}
