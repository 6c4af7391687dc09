import { Refusal } from '../../errors.js';
import { isRecord, messageOf } from '../../foreign.js';
import { type AnyMethod, v1 } from '../../protocol/index.js';
import type { ActorNode } from '../kernel/index.js';
import type { ActorMeter } from './actor-meter.js';

/** Characters of the JSON of a state. */
const STATE_CHARACTERS = 65_536;
const LISTED = 100;

/** What is shown of one actor. `meter` is undefined while nobody watches. */
export function lookAt(actor: ActorNode, meter: ActorMeter | undefined): v1.ActorLook {
  const { handled = 0, busyMs = 0, failures = 0, lastFailure = '' } = meter?.of(actor) ?? {};
  return v1.ActorLook.create({
    path: actor.path,
    service: actor.service.typeName,
    phase: actor.phase,
    queued: actor.load,
    capacity: actor.bounds.capacity,
    parked: actor.parked,
    stashed: actor.stashed,
    handled,
    busyMs,
    failures,
    lastFailure,
    children: actor.children.size,
    isWaiting: actor.isHeld,
  });
}

export function detailOf(actor: ActorNode, meter: ActorMeter | undefined): v1.ActorDetailInit {
  return {
    actor: lookAt(actor, meter),
    ...stateOf(actor),
    waiting: actor.waitingMethods(LISTED),
    children: [...actor.children.keys()].slice(0, LISTED),
    methods: Object.keys(actor.service.methods),
    signatures: Object.values(actor.service.methods).map(signatureOf),
  };
}

function signatureOf({ name, mode, request }: AnyMethod): v1.MethodLookInit {
  const empty = request.create();
  return { name, mode, request: request.typeName, fields: isRecord(empty) ? Object.keys(empty) : [] };
}

/** The actor at a path. Throws a Refusal where there is none. */
export function actorAt(roots: ReadonlyMap<string, ActorNode>, system: string, path: string): ActorNode {
  const found = findActor(roots, system, path);
  if (found !== undefined) return found;
  throw new Refusal('NO_SUCH_ACTOR', `There is no actor ${JSON.stringify(path)} in ${system}.`);
}

export function findActor(roots: ReadonlyMap<string, ActorNode>, system: string, path: string): ActorNode | undefined {
  const names = path.startsWith(`${system}/`) ? path.slice(system.length + 1).split('/') : [];
  let level = roots;
  let found: ActorNode | undefined;
  for (const name of names) {
    found = level.get(name);
    if (found === undefined) break;
    level = found.children;
  }
  return found;
}

function stateOf({ behavior, state, phase }: ActorNode): Pick<v1.ActorDetailInit, 'state' | 'stateProblem'> {
  const { on } = behavior;
  if (on.inspect === undefined || phase !== 'running') return {};
  try {
    const text = jsonOf(on.inspect(state)) ?? '';
    if (text.length <= STATE_CHARACTERS) return { state: text };
    return { stateProblem: `The state has ${text.length} characters; at most ${STATE_CHARACTERS} are shown.` };
  } catch (error) {
    return { stateProblem: `on.inspect failed: ${messageOf(error)}` };
  }
}

/** Undefined where JSON has nothing for the value. 64-bit integers end in n, bytes are base64, and maps and sets are lists. */
export function jsonOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return `${each}n`;
    if (each instanceof Uint8Array) return { base64: Buffer.from(each).toString('base64') };
    if (each instanceof Map || each instanceof Set) return Array.from<unknown>(each);
    return each;
  });
}
