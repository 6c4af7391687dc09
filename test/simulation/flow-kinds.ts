/** How a stream flows. */
export const Flow = { fast: 0, slow: 1, later: 2, failing: 3 } as const;
