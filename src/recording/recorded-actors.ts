import { type AnyBehavior, isBehavior } from '../actors/kernel/index.js';
import { declarePipeline, messageTypeOf, type Pipeline } from '../actors/runtime/index.js';
import { ConfigError } from '../errors.js';
import type { v1 } from '../protocol/on-demand/index.js';
import type { Recording } from './recording-format.js';
import type { RecordedFile } from './recording-parts.js';
import type { SegmentToReplay } from './replayed-segment.js';

/** One recorded actor or segment. */
export interface ActorRecord {
  readonly path: string;
  /** Full name of its service; empty for a segment. */
  readonly service: string;
  /** Set if it is a segment of a pipeline. */
  readonly segment: v1.RecordedSegment | undefined;
  readonly events: readonly v1.RecordedEvent[];
  /** The file that it is in, where several were read as one recording: `readRecordingFile`. */
  readonly file: string | undefined;
}

/** What `readRecording` returns, or `readRecordingFile`. */
export type ReadRecording = Recording & { readonly files?: readonly RecordedFile[] };

const NOBODY = { path: '', ref: undefined, segment: undefined };

/** The actors of a recording, ordered by their start. */
export function recordedActors({ events, files = [] }: ReadRecording): readonly ActorRecord[] {
  const actors = new Map<number, v1.RecordedEvent[]>();
  for (const event of events) {
    const own = actors.get(event.actor);
    if (own === undefined) actors.set(event.actor, [event]);
    else own.push(event);
  }
  return [...actors].map(([number, own]) => {
    const start = own[0]?.event;
    const { path, ref, segment } = start?.case === 'start' ? start.value : NOBODY;
    return {
      path,
      service: ref?.service ?? '',
      segment,
      events: own,
      file: files.findLast(({ firstActor }) => firstActor <= number)?.path,
    };
  });
}

/** Finds an actor by name or path. Throws ConfigError if no actor has it, or several: the error says how to choose. */
export function actorNamed(recording: ReadRecording, name: string): ActorRecord {
  const actors = recordedActors(recording);
  const found = actors.filter(
    ({ path, segment }) => path === name || path.endsWith(`/${name}`) || segment?.name === name,
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const paths = new Set((found.length === 0 ? actors : found).map(({ path }) => path));
  const list = [...paths].join(', ');
  if (actors.length === 0) throw new ConfigError('The recording has no actors: none of the chosen actors started.');
  if (found.length === 0) throw new ConfigError(`The recording has no actor ${name}. It has: ${list}.`);
  if (paths.size > 1) {
    throw new ConfigError(`Several recorded actors are named ${name}. Use one of these paths: ${list}.`);
  }
  const files = new Set(found.flatMap(({ file }) => (file === undefined ? [] : [file])));
  if (files.size === found.length) {
    throw new ConfigError(
      `Several recorded actors have the path ${list}, each in a file of its own: replay ${[...files].join(' or ')} alone.`,
    );
  }
  throw new ConfigError(
    `${found.length} recorded actors had the path ${list}, one after the other. In code, choose one of recordedActors(recording).`,
  );
}

/** Finds the behavior that a module exports for a service. Throws ConfigError if there is none, or several and no `exportName`. */
export function behaviorFor(exports: unknown, service: string, exportName: string | undefined): AnyBehavior {
  const all = Object.entries(exports ?? {}).flatMap(([name, value]) =>
    isBehavior(value) ? [{ name, behavior: value }] : [],
  );
  const fit = all.filter(({ name, behavior }) =>
    exportName === undefined ? behavior.service.typeName === service : name === exportName,
  );
  const [only] = fit;
  if (only === undefined) {
    const has =
      all.length === 0 ? 'none' : all.map((each) => `${each.name} (${each.behavior.service.typeName})`).join(', ');
    throw new ConfigError(
      `The module exports no behavior ${exportName ?? `of ${service}`}: export it. It exports: ${has}.`,
    );
  }
  if (fit.length > 1) {
    throw new ConfigError(
      `The module exports several behaviors of ${service}. Choose one with --behavior ${fit.map(({ name }) => name).join(' or ')}.`,
    );
  }
  if (only.behavior.service.typeName !== service) {
    throw new ConfigError(
      `${only.name} is a behavior of ${only.behavior.service.typeName}; the recorded actor has ${service}.`,
    );
  }
  return only.behavior;
}

/** Finds the code of a recorded segment in its pipeline. Throws ConfigError if the pipeline no longer has that segment. */
export function segmentOf(pipeline: Pipeline, { name, args }: v1.RecordedSegment): SegmentToReplay {
  const { segments, ports } = declarePipeline(pipeline, JSON.parse(args));
  const code = segments.get(name);
  if (code === undefined) throw new ConfigError(`Pipeline "${pipeline.name}" no longer has a segment "${name}".`);
  const typeOf = (port: string | undefined) => messageTypeOf(port === undefined ? undefined : ports.get(port));
  return { code, ingress: typeOf(code.ingress), egress: typeOf(code.egress) };
}
