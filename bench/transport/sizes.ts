const KIB = 1_024;

/** Sizes of messages in bytes, by the name in the rows. */
const bytes: Readonly<Record<string, number>> = {
  '64 B': 64,
  '1 KiB': KIB,
  '8 KiB': 8 * KIB,
  '64 KiB': 64 * KIB,
  '1 MiB': KIB * KIB,
};

export const sizes: readonly string[] = Object.keys(bytes);

export function bytesOf(size: string): number {
  const sizeBytes = bytes[size];
  if (sizeBytes === undefined) throw new Error(`there is no message size ${size}`);
  return sizeBytes;
}
