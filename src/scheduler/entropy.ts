import { randomBytes } from 'node:crypto';

/** Bytes that nobody can predict. For secrets on the wire only: what a program does must follow from its scheduler's chance. */
export type Entropy = (sizeBytes: number) => Uint8Array;

/** That of the operating system. */
export const systemEntropy: Entropy = (sizeBytes) => new Uint8Array(randomBytes(sizeBytes));
