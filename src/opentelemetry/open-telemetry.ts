import type { TracerProvider } from '@opentelemetry/api';
import { ConfigError } from '../errors.js';
import { isError } from '../foreign.js';
import type { TracingSource } from '../actors/kernel/index.js';
import type { Api } from './api.js';
import { Spans } from './spans.js';

export interface OpenTelemetryOptions {
  /** Default: the one registered with `@opentelemetry/api`, now or later. */
  readonly tracerProvider?: TracerProvider;
  /** Messages without a span of their own, by the full name of their method; what they carry is handed on. Default: none. */
  readonly ignore?: (method: string) => boolean;
  /** No span for a message that belongs to no trace yet, such as one of a timer. Default false. */
  readonly requireParent?: boolean;
}

/**
 * Makes a span for every message that an actor of yours is sent, and one for its handling, joined across partitions and processes:
 *
 *     const runtime = await Runtime.start({ tracing: openTelemetry() });
 *
 * Without `@opentelemetry/api` there are none, and the log says so.
 */
export function openTelemetry({
  tracerProvider,
  ignore = () => false,
  requireParent = false,
}: OpenTelemetryOptions = {}): TracingSource {
  return async (log) => {
    const api = await importApi();
    if (api === undefined) {
      log.warn('nothing is traced: install @opentelemetry/api');
      return undefined;
    }
    return new Spans(api, (tracerProvider ?? api.trace).getTracer('millrace'), { ignore, requireParent });
  };
}

async function importApi(): Promise<Api | undefined> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    if (isError(error) && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      return undefined;
    }
    throw new ConfigError('@opentelemetry/api is there, and cannot be imported.', { cause: error });
  }
}
