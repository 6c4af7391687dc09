/**
 * `millrace/opentelemetry`: spans for the messages of actors, through `@opentelemetry/api`, which whoever uses this has installed. A
 * runtime is given what `openTelemetry()` returns; everything here works through the kernel's Tracing and knows no actor.
 */
export { openTelemetry, type OpenTelemetryOptions } from './open-telemetry.js';
