import type { AnyMethod } from '../protocol/index.js';

/** Names and attributes follow OpenTelemetry's semantic conventions: rpc.* for asks and streams, messaging.* for tells. */
export type Operation = 'send' | 'process';

/** The name of a span: `shop.Pricing/Quote`, or `send shop.Pricing/Observe` for a tell. */
export function nameOf(method: AnyMethod, operation: Operation): string {
  const { service, name } = partsOf(method);
  return method.mode === 'tell' ? `${operation} ${service}/${name}` : `${service}/${name}`;
}

export function attributesOf(method: AnyMethod, operation: Operation): Record<string, string> {
  const { service, name } = partsOf(method);
  return method.mode === 'tell'
    ? {
        'messaging.system': 'millrace',
        'messaging.operation.type': operation,
        'messaging.operation.name': operation === 'send' ? 'tell' : 'handle',
        'messaging.destination.name': `${service}/${name}`,
      }
    : { 'rpc.system': 'millrace', 'rpc.service': service, 'rpc.method': name };
}

function partsOf({ fullName }: AnyMethod): { readonly service: string; readonly name: string } {
  const dot = fullName.lastIndexOf('.');
  return { service: fullName.slice(0, dot), name: fullName.slice(dot + 1) };
}
