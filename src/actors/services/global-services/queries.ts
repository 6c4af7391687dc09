import { ConfigError } from '../../../errors.js';
import { v1 } from '../../../protocol/index.js';

const KINDS = ['unspecified', 'process', 'channel', 'pool', 'group', 'node'];

export function byPUid(pUid: bigint): v1.ResourceToQuery {
  return v1.ResourceToQuery.create({ kind: v1.ResourceKind.PROCESS, which: { case: 'id', value: pUid } });
}

export function nameOf(kind: v1.ResourceKind): string {
  return KINDS[kind] ?? `kind ${kind}`;
}

export function described({ kind, which }: v1.ResourceToQuery): string {
  return which.case === 'name'
    ? `${nameOf(kind)} "${which.value}"`
    : `${nameOf(kind)} with the id ${which.value ?? 0n}`;
}

export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new ConfigError('The request does not say which resource it means.');
  return value;
}
