/**
 * References that bear failures: `retrying` asks again, `circuitBreaker` stops asking for a while. Users call them; nothing in the runtime may. They wrap
 * references of actors and groups by the kernel's `wrapAsksKey`, and know nothing of how an ask is made.
 */
export { type CircuitBreakerOptions, circuitBreaker, type CircuitChange } from './circuit-breaker.js';
export { type AskOf, type Retry, retrying, type RetryOptions } from './retrying.js';
