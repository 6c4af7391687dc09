/** What `millrace up` tells each node of a folder of components, in one argument. */
import { isRecord } from '../foreign.js';
import { ConfigError } from '../index.js';

/** What a node of components is started with, as JSON. Paths are absolute. */
export interface ComponentNodeOptions {
  readonly folder: string;
  readonly limit?: number | undefined;
  /** Empty: what `millrace up` chooses. */
  readonly partitions: string;
  readonly placement: string;
  /** Time in ms between two looks at the folder; 0: it is looked at once. */
  readonly rescanMs: number;
  /** It says nothing of itself but errors. */
  readonly isQuiet: boolean;
  readonly security?: string | undefined;
  readonly loader?: string | undefined;
  readonly plugins?: string | undefined;
}

/** Throws ConfigError for what `millrace up` has not written. */
export function readNodeOptions(json: string): ComponentNodeOptions {
  const parsed: unknown = JSON.parse(json);
  const given = isRecord(parsed) ? parsed : {};
  const { folder, limit, rescanMs } = given;
  if (typeof folder !== 'string' || typeof rescanMs !== 'number') {
    throw new ConfigError('This program is started by millrace up: it needs the options of a node.');
  }
  const textOf = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    folder,
    rescanMs,
    isQuiet: given['isQuiet'] === true,
    limit: typeof limit === 'number' ? limit : undefined,
    partitions: textOf('partitions') ?? '',
    placement: textOf('placement') ?? '',
    security: textOf('security'),
    loader: textOf('loader'),
    plugins: textOf('plugins'),
  };
}
