import type { TracerProvider } from '@opentelemetry/api';
import { ConfigError } from '../errors.js';
import { codeOf } from '../foreign.js';
import type { TracingSource } from '../actors/kernel/index.js';
import type { Api } from './api.js';
import { Spans } from './spans.js';

export interface OpenTelemetryOptions {
  /** Default: the provider that is registered with `@opentelemetry/api`, now or later. */
  readonly tracerProvider?: TracerProvider;
  /** Returns true for methods, by full name, whose messages get no span. Their trace context is still propagated. Default: none. */
  readonly ignore?: (method: string) => boolean;
  /** True: no span for a message without a trace, such as one sent by a timer. Default false. */
  readonly requireParent?: boolean;
}

/**
 * Makes a span for every message to your actors, and one for its handling, connected across partitions and processes:
 *
 *     const runtime = await Runtime.start({ tracing: openTelemetry() });
 *
 * Without `@opentelemetry/api` it makes none, and logs a warning.
 */
export function openTelemetry({
  tracerProvider,
  ignore = () => false,
  requireParent = false,
}: OpenTelemetryOptions = {}): TracingSource {
  return async (log) => {
    const api = await importApi();
    if (api === undefined) {
      log.warn('tracing is off: install @opentelemetry/api');
      return undefined;
    }
    return new Spans(api, (tracerProvider ?? api.trace).getTracer('millrace'), { ignore, requireParent });
  };
}

async function importApi(): Promise<Api | undefined> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    if (codeOf(error) === 'ERR_MODULE_NOT_FOUND') {
      return undefined;
    }
    throw new ConfigError('@opentelemetry/api is installed but cannot be imported. The cause says why.', {
      cause: error,
    });
  }
}
