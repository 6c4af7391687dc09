import { isDeepStrictEqual } from 'node:util';
import { ProtocolError } from '#src/errors.js';
import { cUid, describeId, mUid, ownerOrdinal, placeOfCUid, placeOfMUid, placeOfPUid, pUid } from '#src/ids/index.js';
import { formatCpuList, parseCpuList, parseStrategy } from '#src/resources/topology/index.js';
import { drawPlan, parsePlan } from '#src/simulation/index.js';
import { formatAddress, listenAddress, parseAddress } from '#src/socket-address.js';
import cuts from '../../../simulation/workloads/cuts.js';
import { holds, type Target } from '../target.js';

/** Short texts from files, command lines and peers, and ids. The first byte chooses the reader. */
const readers: readonly ((bytes: Uint8Array) => void)[] = [
  (bytes) => {
    const plan = parsePlan(textOf(bytes));
    holds(isDeepStrictEqual(parsePlan(JSON.stringify(plan)), plan), 'a plan that is written and read is another one');
  },
  (bytes) => {
    const address = parseAddress(textOf(bytes));
    if (address === undefined) return;
    holds(
      isDeepStrictEqual(parseAddress(formatAddress(address)), address),
      `${textOf(bytes)} is written as another address`,
    );
  },
  (bytes) => void listenAddress(textOf(bytes)),
  (bytes) => void parseStrategy(textOf(bytes)),
  (bytes) => {
    const cpus = parseCpuList(textOf(bytes));
    holds(isDeepStrictEqual(parseCpuList(formatCpuList(cpus)), cpus), 'a list of processors is written as another one');
  },
  (bytes) => {
    const id = bytes.length < 8 ? BigInt(bytes.length) : Buffer.from(bytes).readBigUInt64LE();
    for (const kind of ['process', 'channel', 'pool'] as const) holds(describeId(kind, id) !== '', 'an id has no text');
    agrees(() => pUid(id), placeOfPUid(id));
    agrees(() => mUid(id), placeOfMUid(id));
    agrees(() => cUid(id), placeOfCUid(id));
    ownerOrdinal(id);
  },
];

export const texts: Target = {
  seeds: () => [
    text(0, JSON.stringify(drawPlan(cuts, 12))),
    text(1, 'tcp://[::1]:7000#token'),
    text(1, 'unix:/run/millrace/a.sock#abc'),
    text(2, 'tls://host.example:0'),
    text(3, 'count(4)'),
    text(4, '0-3,8,10-12'),
    Uint8Array.from([5, 0, 0, 0, 0, 0, 0, 0, 1]),
  ],
  words: ['"faults":', '"fault":"crash"', '1e999', '-1', 'tcp://', 'tls://', 'unix:/', '#', '999999', '-', ','],
  feed: (bytes) => readers[(bytes[0] ?? 0) % readers.length]?.(bytes.subarray(1)),
};

/** An id is refused exactly where it has no place. */
function agrees(check: () => bigint, place: object | undefined): void {
  let isRefused = false;
  try {
    check();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    isRefused = true;
  }
  holds(isRefused === (place === undefined), 'an id is refused, but has a place, or the other way round');
}

function text(reader: number, content: string): Uint8Array {
  return Uint8Array.from([reader, ...new TextEncoder().encode(content)]);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
