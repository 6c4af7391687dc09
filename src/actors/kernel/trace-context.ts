/** The trace context of a message: the W3C headers of the same names. */
export interface TraceContext {
  readonly traceParent: string;
  /** Empty where there is none. */
  readonly traceState: string;
}
