/** Bytes that nobody can predict. For secrets on the wire only: what a program does must follow from its scheduler's chance. */
export type Entropy = (sizeBytes: number) => Uint8Array;

/** That of the operating system. Loaded when it is needed: most programs keep no secrets, and start sooner without it. */
export const systemEntropy: Entropy = (sizeBytes) =>
  new Uint8Array(process.getBuiltinModule('node:crypto').randomBytes(sizeBytes));
