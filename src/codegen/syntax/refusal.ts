import { ConfigError } from '../../errors.js';

/** An error about one line of a .proto file, in the form that editors and terminals make a link of. */
export function refusal(path: string, line: number, message: string): ConfigError {
  return new ConfigError(`${path}:${line}: ${message}`);
}
