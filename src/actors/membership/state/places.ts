/** The places that an address leads to, whichever process listens there: without what leads to one process only. */
export function placesOf(address: string): string[] {
  const words = address.split(' ');
  const outside = words.filter((word) => !word.startsWith('local:'));
  return (outside.length > 0 ? outside : words).map((word) => word.replace(/#.*$/, ''));
}
