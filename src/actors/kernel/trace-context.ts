/** What joins the spans of one trace, as it travels with a message: the W3C headers of the same names. */
export interface TraceContext {
  readonly traceParent: string;
  /** Empty: none. */
  readonly traceState: string;
}
