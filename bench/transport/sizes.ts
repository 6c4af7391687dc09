const KIB = 1_024;

/** Bytes of the messages that a question is about, by the name that its rows have. */
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
  if (sizeBytes === undefined) throw new Error(`${size} is no size of messages`);
  return sizeBytes;
}
