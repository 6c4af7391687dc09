/** What a process of a run is told when it is started, in its environment: one table. Nobody else sets these variables. */
import { ConfigError } from '../errors.js';
import { integer, type Option, text } from '../option.js';

const MAX_INDEX = 2 ** 24 - 1;

function address(description: string): Option<string> {
  return text({
    default: '',
    description,
    accepts: 'an address',
    isValid: (value) => value !== '' && value.length <= 4_096,
  });
}

export const launchTable = {
  run: text({
    default: '',
    description:
      'The run that the process belongs to. Without it the process belongs to none, and the other variables are ignored.',
    accepts: 'a name of 1 to 64 letters, digits, dots, hyphens and underscores',
    isValid: (name) => /^[\w.-]{1,64}$/.test(name),
  }),
  runFolder: text({
    default: '',
    description: "Folder of the run's files on this node: sockets and the cluster key.",
    accepts: 'the path of a folder',
    isValid: (path) => path.startsWith('/'),
  }),
  pUid: text({
    default: '',
    description: 'Its p_uid.',
    accepts: 'a whole number from 2^32 to 2^64 - 1',
    isValid: (digits) => /^\d{10,20}$/.test(digits) && BigInt(digits) >= 2n ** 32n && BigInt(digits) < 2n ** 64n,
  }),
  processName: text({
    default: '',
    description: 'Its name in the run.',
    accepts: 'a name of 1 to 255 characters',
    isValid: (name) => name.length >= 1 && name.length <= 255,
  }),
  nodeIndex: integer({ min: 0, max: MAX_INDEX, default: 0, description: 'Index of its node.' }),
  nodes: integer({ min: 1, max: MAX_INDEX + 1, default: 1, description: 'Nodes of the run.' }),
  nodeCpus: integer({
    min: 1,
    max: 65_536,
    default: 1,
    description: 'Processors of its node, which share them with other nodes on the machine.',
  }),
  globalServices: address('Where global services are reached.'),
  nodeAddress: address('Where the shepherd, the transport service and the logging service of its node are reached.'),
} as const satisfies Readonly<Record<string, Option<unknown>>>;

export type LaunchParameters = {
  readonly [Name in keyof typeof launchTable]: (typeof launchTable)[Name] extends Option<infer T> ? T : never;
};

/** Variables that are no options of a runtime, and mean something else. */
const OTHERS = ['MILLRACE_FAULT'];

const variables = new Set(Object.keys(launchTable).map(launchVariable));

/** Whether a variable of the environment is a launch parameter, or another one that is no option of a runtime. */
export function isLaunchVariable(variable: string): boolean {
  return variables.has(variable) || OTHERS.includes(variable);
}

/** The variables for the environment of a process. */
export function launchVariables(parameters: LaunchParameters): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [launchVariable(name), String(value)]));
}

/** The parameters in an environment; undefined in a process that no run has started. Throws ConfigError for a missing or wrong one. */
export function readLaunch(env: Readonly<Record<string, string | undefined>>): LaunchParameters | undefined {
  if (env[launchVariable('run')] === undefined) return undefined;
  return {
    run: read(env, 'run', launchTable.run),
    runFolder: read(env, 'runFolder', launchTable.runFolder),
    pUid: read(env, 'pUid', launchTable.pUid),
    processName: read(env, 'processName', launchTable.processName),
    nodeIndex: read(env, 'nodeIndex', launchTable.nodeIndex),
    nodes: read(env, 'nodes', launchTable.nodes),
    nodeCpus: read(env, 'nodeCpus', launchTable.nodeCpus),
    globalServices: read(env, 'globalServices', launchTable.globalServices),
    nodeAddress: read(env, 'nodeAddress', launchTable.nodeAddress),
  };
}

function read<T>(env: Readonly<Record<string, string | undefined>>, name: string, option: Option<T>): T {
  const variable = launchVariable(name);
  const given = env[variable];
  const value = given === undefined ? undefined : option.parse(given);
  if (value !== undefined) return value;
  const is = given === undefined ? 'is missing' : `is ${JSON.stringify(given.slice(0, 100))}`;
  throw new ConfigError(
    `${variable} ${is}: millrace up sets it to ${option.accepts}. Leave MILLRACE_RUN out elsewhere.`,
  );
}

/** `pUid` -> `MILLRACE_P_UID`. */
export function launchVariable(name: string): string {
  return `MILLRACE_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
