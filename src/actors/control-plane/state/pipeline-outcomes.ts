import { v1 } from '../../../protocol/index.js';

export function pipelineOf(value: v1.Pipeline): v1.Resource['detail'] {
  return { case: 'pipeline', value };
}

/** The pipeline that is started again after pipeline `id`. */
export function nextAttempt(id: number, { restartsLeft, ...detail }: v1.Pipeline): v1.PipelineInit {
  return { ...detail, restartsLeft: restartsLeft - 1, restartOf: id, failure: undefined, isRegained: false };
}

/** Ports fail with PipelineError. */
export function isOfStream({ code }: v1.Failure): boolean {
  return code === 'PIPELINE';
}

export function lost(
  { name, partition }: { readonly name: string; readonly partition: number },
  cause: string,
): v1.Failure {
  const message = `segment "${name}" in partition ${partition} was lost: ${cause}`;
  return v1.Failure.create({ code: 'UNREACHABLE', message, segment: name, partition });
}

/** The failure of a pipeline of which this segment was cancelled. */
export function unasked({ name, partition }: v1.Segment): v1.Failure {
  const message = `segment "${name}" in partition ${partition} was cancelled, but no stop was requested`;
  return v1.Failure.create({ code: 'STOPPED', message, segment: name, partition });
}
