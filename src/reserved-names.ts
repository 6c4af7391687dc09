/** Names that no rpc can have, because references and the definitions of behaviors have members of these names. */

/** Members of every reference. With `then`, a reference would be a promise for `await`. */
export const REFERENCE_MEMBERS = [
  'catch',
  'finally',
  'name',
  'parent',
  'path',
  'ready',
  'service',
  'system',
  'then',
  'toJSON',
  'toRef',
  'type',
  'whenReady',
] as const;

/** Options of every behavior, which stand beside its handlers. */
export const BEHAVIOR_OPTIONS = ['idleTimeoutMs', 'mailbox', 'on', 'state', 'supervision'] as const;

const RESERVED: ReadonlySet<string> = new Set([
  ...REFERENCE_MEMBERS,
  ...BEHAVIOR_OPTIONS,
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** Whether `member`, such as `quote` of the rpc Quote, has a meaning of its own. */
export function isReservedName(member: string): boolean {
  return RESERVED.has(member);
}
