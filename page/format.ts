/** Numbers as people read them. */
const UNITS = ['', 'k', 'M', 'G', 'T'];
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.2k`: three digits are enough for the eye. */
export function count(value: number): string {
  return scaled(value, 1_000, UNITS, '');
}

export function bytes(value: number): string {
  return scaled(value, 1_024, BYTE_UNITS, ' ');
}

/** `12.3k/s`, or a dash where nothing moves. */
export function rate(value: number): string {
  return value < 0.05 ? '–' : `${count(value)}/s`;
}

export function byteRate(value: number): string {
  return value < 0.5 ? '–' : `${bytes(value)}/s`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 2) return 'now';
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function scaled(value: number, base: number, units: readonly string[], gap: string): string {
  let [left, unit] = [value, 0];
  while (left >= base && unit < units.length - 1) {
    left /= base;
    unit++;
  }
  const digits = unit === 0 && Number.isInteger(left) ? 0 : left < 10 ? 1 : 0;
  return `${left.toFixed(digits)}${gap}${units[unit] ?? ''}`.trim();
}
