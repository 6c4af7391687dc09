import { type AnyBehavior, isBehavior } from '../actors/kernel/index.js';
import { type Component, declarePipeline, isComponent, messageTypeOf, type Pipeline } from '../actors/runtime/index.js';
import { ConfigError } from '../errors.js';
import { messageOf } from '../foreign.js';
import type { v1 } from '../protocol/on-demand/index.js';
import type { Recording } from './recording-format.js';
import type { RecordedFile } from './recording-parts.js';
import type { SegmentToReplay } from './replayed-segment.js';

/** One recorded actor or segment. */
export interface ActorRecord {
  readonly path: string;
  /** What `actorNamed` finds it by: its path, with `#2` for the second actor of that path. */
  readonly label: string;
  /** Full name of its service; empty for a segment. */
  readonly service: string;
  /** Set if it is a segment of a pipeline. */
  readonly segment: v1.RecordedSegment | undefined;
  /** Set if it was placed: what made its behavior. */
  readonly component: v1.RecordedComponent | undefined;
  readonly events: readonly v1.RecordedEvent[];
  /** The file that it is in, where several were read as one recording: `readRecordingFile`. */
  readonly file: string | undefined;
}

/** What `readRecording` returns, or `readRecordingFile`. */
export type ReadRecording = Recording & { readonly files?: readonly RecordedFile[] };

const NOBODY = { path: '', ref: undefined, segment: undefined, component: undefined };

/** The actors of a recording, ordered by their start. */
export function recordedActors({ events, files = [] }: ReadRecording): readonly ActorRecord[] {
  const actors = new Map<number, v1.RecordedEvent[]>();
  for (const event of events) {
    const own = actors.get(event.actor);
    if (own === undefined) actors.set(event.actor, [event]);
    else own.push(event);
  }
  const found = [...actors].map(([number, own]) => {
    const start = own[0]?.event;
    const { path, ref, segment, component } = start?.case === 'start' ? start.value : NOBODY;
    const file = files.findLast(({ firstActor }) => firstActor <= number)?.path;
    return { path, service: ref?.service ?? '', segment, component, events: own, file };
  });
  const seen = new Map<string, number>();
  return found.map((actor) => {
    const { path } = actor;
    const nth = (seen.get(path) ?? 0) + 1;
    seen.set(path, nth);
    const isOnly = found.every((other) => other === actor || other.path !== path);
    return { ...actor, label: isOnly ? path : `${path}#${nth}` };
  });
}

/**
 * Finds an actor by name, path or label. Throws ConfigError if no actor has it, or several: the error says how to choose. Actors have one path
 * where one was spawned again under the name of another that had ended, and where a partition has begun anew.
 */
export function actorNamed(recording: ReadRecording, name: string): ActorRecord {
  const actors = recordedActors(recording);
  const found = actors.filter(
    ({ path, label, segment }) =>
      [path, label].some((own) => own === name || own.endsWith(`/${name}`)) || segment?.name === name,
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (actors.length === 0) throw new ConfigError('The recording has no actors: none of the chosen actors started.');
  const list = (found.length === 0 ? actors : found).map(({ label, file }) => {
    const isBeside = file !== undefined && found.some((other) => other.file !== file);
    return isBeside ? `${label} (in ${file})` : label;
  });
  throw new ConfigError(
    found.length === 0
      ? `The recording has no actor ${name}. It has: ${list.join(', ')}.`
      : `Several recorded actors are named ${name}. Use one of these, in the order in which they started: ${list.join(', ')}.`,
  );
}

/**
 * The behavior of a recorded actor, from the exports of a module. For a placed actor, its component makes it again, of the recorded arguments; a
 * module without that component may export the behavior. Throws ConfigError if there is none, or several and no `exportName`, ProtocolError for
 * arguments that the component cannot decode, and HandlerError where its factory throws.
 */
export function behaviorOf(exports: unknown, actor: ActorRecord, exportName?: string): AnyBehavior {
  const { component: made, service } = actor;
  if (made === undefined) return behaviorFor(exports, service, exportName);
  const components = Object.entries(exports ?? {}).filter((entry): entry is [string, Component] =>
    isComponent(entry[1]),
  );
  const fit = components.find(([name, { name: own }]) =>
    exportName === undefined ? own === made.name : name === exportName,
  );
  if (fit !== undefined) return madeBy(fit[1], made.args, service);
  try {
    return behaviorFor(exports, service, exportName);
  } catch (cause) {
    const has = components.map(([name]) => name).join(', ') || 'none';
    throw new ConfigError(
      `The module exports no component "${made.name}", which has made the actor: export it. Components that it exports: ${has}. ${messageOf(cause)}`,
      { cause },
    );
  }
}

function madeBy(component: Component, args: Uint8Array, service: string): AnyBehavior {
  const { name, service: own } = component;
  if (own.typeName === service) return component.behaviorFor(args);
  throw new ConfigError(`Component "${name}" is of ${own.typeName}; the recorded actor has ${service}.`);
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
