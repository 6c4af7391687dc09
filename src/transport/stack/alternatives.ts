/**
 * The address of a stack: all addresses of one process, separated by blanks, the nearest first. An address that is valid only inside one
 * program carries a token of that program, because another program may use the same local address.
 *
 *     local:5f0c9e!memory://node-0/process-0/0 unix:/tmp/millrace-link-Ab12Cd/link#0f
 */
export interface Alternative {
  readonly address: string;
  /** The only program in which the address is valid; undefined for an address that is valid everywhere. */
  readonly program: string | undefined;
}

const LOCAL = /^local:(?<program>[^!]+)!(?<address>.+)$/;

export function formatAlternatives(alternatives: readonly Alternative[]): string {
  return alternatives
    .map(({ program, address }) => (program === undefined ? address : `local:${program}!${address}`))
    .join(' ');
}

export function parseAlternatives(text: string): Alternative[] {
  return text.split(' ').map((word) => {
    const { program, address } = LOCAL.exec(word)?.groups ?? {};
    return program === undefined || address === undefined
      ? { address: word, program: undefined }
      : { address, program };
  });
}

/** The address for people: what is valid in one program only helps nobody else. That is left where there is nothing else. */
export function shownAddress(text: string): string {
  const all = parseAlternatives(text);
  const everywhere = all.filter(({ program }) => program === undefined);
  return (everywhere.length > 0 ? everywhere : all).map(({ address }) => address).join(' ');
}
