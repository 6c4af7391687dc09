import { type AnyBehavior, isBehavior } from '../actors/kernel/index.js';
import { ConfigError } from '../errors.js';
import type { v1 } from '../protocol/index.js';
import type { Recording } from './recording-format.js';

/** One actor of a recording. */
export interface ActorRecord {
  readonly path: string;
  readonly service: string;
  readonly events: readonly v1.RecordedEvent[];
}

/** The actors of a recording, in the order in which they started. */
export function recordedActors({ events }: Recording): readonly ActorRecord[] {
  const actors = new Map<number, v1.RecordedEvent[]>();
  for (const event of events) {
    const own = actors.get(event.actor);
    if (own === undefined) actors.set(event.actor, [event]);
    else own.push(event);
  }
  return [...actors.values()].map((own) => {
    const start = own[0]?.event;
    const { path, ref } = start?.case === 'start' ? start.value : { path: '', ref: undefined };
    return { path, service: ref?.service ?? '', events: own };
  });
}

/** The one actor that `name`, its name or its path, means. ConfigError when none or several have it. */
export function actorNamed(recording: Recording, name: string): ActorRecord {
  const actors = recordedActors(recording);
  const found = actors.filter(({ path }) => path === name || path.endsWith(`/${name}`));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const list = (found.length === 0 ? actors : found).map(({ path }) => path).join(', ');
  if (actors.length === 0) throw new ConfigError('The recording has no actor: none that was chosen had started.');
  if (found.length === 0) throw new ConfigError(`The recording has no actor ${name}; it has ${list}.`);
  throw new ConfigError(`Several recorded actors are called ${name}: ${list}. Give one of these paths.`);
}

/** The behavior that a module exports for a service. ConfigError when there is none, or `exportName` is needed to choose one. */
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
    throw new ConfigError(`The module exports no behavior ${exportName ?? `of ${service}`}; it has ${has}. Export it.`);
  }
  if (fit.length > 1) {
    throw new ConfigError(
      `The module exports several behaviors of ${service}: choose one with --behavior ${fit.map(({ name }) => name).join(' or ')}.`,
    );
  }
  if (only.behavior.service.typeName !== service) {
    throw new ConfigError(
      `${only.name} is a behavior of ${only.behavior.service.typeName}; the actor spoke ${service}.`,
    );
  }
  return only.behavior;
}
