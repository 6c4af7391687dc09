/**
 * The address of a stack: every way to one process, the nearest first, with blanks between. Ways that end with the program carry its
 * name, since another program may have the same inside.
 *
 *     inside:5f0c9e!memory://node-0/process-0/0 unix:/tmp/millrace-link-Ab12Cd/link#0f
 */
export interface Alternative {
  readonly address: string;
  /** The program inside which it leads somewhere; undefined for one that leads there from everywhere. */
  readonly program: string | undefined;
}

const INSIDE = /^inside:(?<program>[^!]+)!(?<address>.+)$/;

export function formatAlternatives(alternatives: readonly Alternative[]): string {
  return alternatives
    .map(({ program, address }) => (program === undefined ? address : `inside:${program}!${address}`))
    .join(' ');
}

export function parseAlternatives(text: string): Alternative[] {
  return text.split(' ').map((word) => {
    const { program, address } = INSIDE.exec(word)?.groups ?? {};
    return program === undefined || address === undefined
      ? { address: word, program: undefined }
      : { address, program };
  });
}
