import { encode, type MessageType, v1 } from '../../../protocol/index.js';

/** Hash of a definition's encoding: equal in two partitions that built the same definition from the same module. */
export function definitionHash(definition: v1.PipelineDefinition): string {
  return messageHash(v1.PipelineDefinition, definition);
}

/** Hash of a message's encoding. */
export function messageHash<Read, Init>(type: MessageType<Read, Init>, message: Read): string {
  // Loaded on first use: a program without pipelines starts faster.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(encode(type, message)).digest('hex').slice(0, 32);
}
