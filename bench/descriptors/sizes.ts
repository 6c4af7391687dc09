const KIB = 1_024;

const bytes: Readonly<Record<string, number>> = {
  '4 KiB': 4 * KIB,
  '64 KiB': 64 * KIB,
  '1 MiB': KIB * KIB,
  '64 MiB': 64 * KIB * KIB,
};

export const valueSizes: readonly string[] = Object.keys(bytes);

/** Bytes of a size. */
export function valueBytesOf(size: string): number {
  const sizeBytes = bytes[size];
  if (sizeBytes === undefined) throw new Error(`there is no size ${size} of values`);
  return sizeBytes;
}
