/** How `millrace doctor` shows a cluster: a line for each partition, its holders, owners, pools, and peers that have ended. */
import type { ClusterSurvey, SurveyedPartition } from '../actors/runtime/survey/index.js';
import type { v1 } from '../protocol/index.js';

const NOTHING: v1.ValueAmount = { values: 0, sizeBytes: 0 };

export function formatSurvey(survey: ClusterSurvey, findings: readonly string[]): string {
  const names = namesOf(survey);
  const { partitions } = survey;
  const held = sumOf(partitions, (ledger) => ledger.owned);
  const reclaimed = sumOf(partitions, (ledger) => ledger.reclaimed);
  const kept = sumOf(partitions, (ledger) => ledger.kept);
  return [
    ...partitions.flatMap((partition) => formatPartition(partition, names)),
    `all: ${partitions.length} partitions, ${valuesText(held)} held, ${valuesText(reclaimed)} reclaimed from processes that have ended, ` +
      `${valuesText(kept)} remaining of them`,
    ...(findings.length === 0 ? ['no problem found'] : findings.map((finding) => `problem: ${finding}`)),
  ].join('\n');
}

/** As the table, with all that the partitions say. */
export function surveyJson(survey: ClusterSurvey, findings: readonly string[]): string {
  const decimal = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
  return JSON.stringify({ ...survey, findings }, decimal);
}

export function valuesText({ values, sizeBytes }: v1.ValueAmount): string {
  return `${values} ${values === 1 ? 'value' : 'values'} (${bytesText(sizeBytes)})`;
}

export function bytesText(sizeBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [size, unit] = [sizeBytes, 0];
  while (size >= 1_024 && unit < units.length - 1) [size, unit] = [size / 1_024, unit + 1];
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

type Names = (peer: v1.PeerId | undefined) => string;

function namesOf({ partitions }: ClusterSurvey): Names {
  const names = new Map(
    partitions.map((partition) => [`${partition.ordinal}:${partition.incarnation}`, nameOf(partition)]),
  );
  return (peer) => {
    if (peer === undefined) return 'nobody';
    return names.get(`${peer.ordinal}:${peer.incarnation}`) ?? `partition ${peer.ordinal} (ended)`;
  };
}

function nameOf({ ordinal, node, process }: SurveyedPartition): string {
  return `partition ${ordinal} (${node}/${process})`;
}

function formatPartition(partition: SurveyedPartition, names: Names): readonly string[] {
  const { description, error } = partition;
  if (description === undefined) return [`${nameOf(partition)}: ${error ?? 'not described'}`];
  const { ledger, pools } = description;
  const [owned, held] = [ledger?.owned ?? NOTHING, ledger?.held ?? NOTHING];
  return [
    `${nameOf(partition)}: ${valuesText(owned)} held by others, ${valuesText(held)} of others held here`,
    ...(ledger === undefined ? [] : formatLedger(ledger, names)),
    ...pools.map(formatPool),
  ];
}

function formatLedger(ledger: v1.LedgerDescription, names: Names): readonly string[] {
  return [
    ...ledger.holders.map(({ peer, amount = NOTHING }) => `  ${names(peer)} holds ${valuesText(amount)}`),
    ...ledger.owners.map(({ peer, amount = NOTHING }) => `  holds ${valuesText(amount)} of ${names(peer)}`),
    ...oldest('own', ledger.oldestOwned, names),
    ...oldest('held', ledger.oldestHeld, names),
    ...ledger.endedPeers.map((ended) => formatEnded(ended)),
  ];
}

function oldest(which: string, values: readonly v1.ValueDescription[], names: Names): readonly string[] {
  return values.map(({ owner, number, typeName, sizeBytes, ageMs, origin, holders }) => {
    const what = which === 'own' ? `value ${number}` : `value ${number} of ${names(owner)}`;
    const from = origin === '' ? '' : `, from ${origin}`;
    const by = holders.length === 0 ? '' : `, held by ${holders.map(names).join(', ')}`;
    return `  ${what}: ${typeName}, ${bytesText(sizeBytes)}, ${seconds(ageMs)} old${from}${by}`;
  });
}

function formatEnded({ peer, endedMsAgo, held, freed, lost, kept }: v1.EndedPeer): string {
  return (
    `  partition ${peer?.ordinal ?? 0} ended ${seconds(endedMsAgo)} ago: it held ${valuesText(held ?? NOTHING)}, ` +
    `${valuesText(freed ?? NOTHING)} freed; of its own ${valuesText(lost ?? NOTHING)} lost, ${valuesText(kept ?? NOTHING)} still read`
  );
}

function formatPool({
  name,
  memory,
  usedBytes,
  freeBytes,
  limitBytes,
  blocks,
  waiting,
  bytesCopied,
}: v1.PoolDescription): string {
  const kind = memory.startsWith('private') ? 'private' : memory;
  return (
    `  pool ${name} (${kind}): ${bytesText(usedBytes)} used in ${blocks} blocks, ${bytesText(freeBytes)} free, limit ${bytesText(limitBytes)}, ` +
    `${waiting} waiting, ${bytesText(bytesCopied)} copied`
  );
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function sumOf(
  partitions: readonly SurveyedPartition[],
  amountOf: (ledger: v1.LedgerDescription) => v1.ValueAmount | undefined,
): v1.ValueAmount {
  const sum = { values: 0, sizeBytes: 0 };
  for (const { description } of partitions) {
    const amount = (description?.ledger && amountOf(description.ledger)) ?? NOTHING;
    sum.values += amount.values;
    sum.sizeBytes += amount.sizeBytes;
  }
  return sum;
}
