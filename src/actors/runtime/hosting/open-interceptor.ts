import { ConfigError } from '../../../errors.js';
import { importModule } from '../../../import-module.js';
import type { OpenedInterceptor, OpenInterceptor } from '../segment-interceptor.js';
import type { PartitionStart } from './start.js';

/** Opens the interceptor of this partition; undefined where it has none. Rejects with ConfigError for a module that is of no interceptor. */
export async function openInterceptor(
  start: PartitionStart['interceptor'],
  failed: (message: string) => void,
): Promise<OpenedInterceptor | undefined> {
  if (start === undefined) return undefined;
  const { interceptor } = await importModule(start.url);
  if (!opens(interceptor)) throw new ConfigError(`The interceptor ${start.url} exports no function interceptor.`);
  return interceptor(start.settings, failed);
}

function opens(value: unknown): value is OpenInterceptor {
  return typeof value === 'function';
}
