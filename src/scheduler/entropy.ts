/** Unpredictable bytes, for secrets on the wire, and for what tells one run of real processes from another. All other randomness comes from the scheduler, so that a seed repeats it. */
export type Entropy = (sizeBytes: number) => Uint8Array;

/** Entropy of the operating system. Loaded on first use: most programs need none, and start faster without it. */
export const systemEntropy: Entropy = (sizeBytes) =>
  new Uint8Array(process.getBuiltinModule('node:crypto').randomBytes(sizeBytes));
