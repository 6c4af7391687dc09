/**
 * `millrace/opentelemetry`: spans for the messages of actors, through `@opentelemetry/api`, which the user installs. Programs pass
 * `openTelemetry()` to a runtime. Everything here works through the kernel's Tracing; it must not know actors.
 */
export { openTelemetry, type OpenTelemetryOptions } from './open-telemetry.js';
