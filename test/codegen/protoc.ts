/** protoc, Google's compiler of .proto files: it says what protobuf itself allows. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { needsCommand, pendingBecause } from '../support/pending.js';
import { repository } from './everything.js';

let findsDescriptor: boolean | undefined;

/** Leaves the test, or the suite, pending without protoc and Google's own .proto files, which Debian has in another package. */
export function needsProtoc(context: Context): void {
  needsCommand(context, 'protoc', 'protobuf-compiler libprotobuf-dev');
  findsDescriptor ??= complaintsOfProtoc(repository, 'google/protobuf/descriptor.proto') === '';
  if (findsDescriptor) return;
  pendingBecause(
    context,
    'it needs google/protobuf/descriptor.proto of protoc, not found. Debian: apt-get install -y libprotobuf-dev',
  );
}

/** What protoc says against `file`, whose imports are below `folder`; empty when it accepts the file. */
export function complaintsOfProtoc(folder: string, file: string): string {
  const ours = `-Imillrace/v1=${join(repository, 'protos/millrace/v1')}`;
  const { status, stderr, error } = spawnSync('protoc', [ours, `-I${folder}`, '--descriptor_set_out=/dev/null', file], {
    encoding: 'utf8',
    cwd: folder,
  });
  if (error !== undefined) throw error;
  // Warnings alone leave the status at 0.
  return status === 0 ? '' : stderr;
}
