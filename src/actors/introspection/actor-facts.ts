import { type ActorNode, type Fact, waitingCycle } from '../kernel/index.js';
import type { ActorMeter } from './actor-meter.js';

/** Why the messages of an actor wait: its phase, its mailbox, and the handler that holds it. `meter` is undefined while nobody watches. */
export function actorFacts(actor: ActorNode, meter: ActorMeter | undefined): readonly Fact[] {
  return [phaseOf(actor, meter), mailboxOf(actor, meter), ...handlerOf(actor, meter), ...failuresOf(actor, meter)];
}

const PHASES: Readonly<Record<string, number>> = { restarting: 65, stopping: 55, starting: 50 };

function phaseOf(actor: ActorNode, meter: ActorMeter | undefined): Fact {
  const { path, phase, service } = actor;
  const { handled = 0 } = meter?.of(actor) ?? {};
  const text = `${path} (${service.typeName}) is ${phase}; it has taken ${handled} turns since it has been watched.`;
  return { kind: 'actor', subject: path, text, numbers: { handled }, weight: PHASES[phase] ?? 0 };
}

function mailboxOf(actor: ActorNode, meter: ActorMeter | undefined): Fact {
  const { path, load: queued, bounds, parked, stashed } = actor;
  const { capacity, mark, overflow } = bounds;
  const waitedMs = meter?.waitedMs(actor) ?? 0;
  const [next] = actor.waitingMethods(1);
  const isFull = queued >= capacity;
  const text = [
    `${queued} of at most ${capacity} messages wait in its mailbox`,
    ...(next === undefined ? [] : [`the next is ${next}`]),
    ...(waitedMs > 0 ? [`and has waited ${Math.round(waitedMs)} ms at least`] : []),
    ...(isFull ? [FULL[overflow]] : []),
    ...(parked > 0 ? [`${parked} from links wait beside it`] : []),
    ...(stashed > 0 ? [`${stashed} are stashed until the actor calls ctx.unstashAll()`] : []),
  ].join(', ');
  const weight = isFull || parked > 0 ? 60 : queued > mark ? 50 : stashed > 0 ? 45 : queued > 0 ? 20 : 0;
  const numbers = { queued, capacity, parked, stashed, waitedMs };
  return { kind: 'mailbox', subject: path, text: `${text}.`, numbers, weight };
}

const FULL = {
  backpressure: 'it is full, so that a tell fails with BackpressureError and other processes send no more',
  'drop-newest': 'it is full, so that new messages are dropped',
  'drop-oldest': 'it is full, so that the oldest messages are dropped',
} as const;

function handlerOf(actor: ActorNode, meter: ActorMeter | undefined): readonly Fact[] {
  const { path, isHeld, load, lastAsk, lastMethod } = actor;
  if (!isHeld) return [];
  const { what, ms: runningMs = 0 } = meter?.awaited(actor) ?? {};
  const which =
    what ??
    (lastMethod === undefined
      ? 'A hook'
      : `What it began before it was watched, its last message being ${lastMethod},`);
  const since = runningMs > 0 ? ` for ${Math.round(runningMs)} ms${what === undefined ? ' at least' : ''}` : '';
  const facts: Fact[] = [
    {
      kind: 'handler',
      subject: path,
      text: `${which} waits for a promise${since}: ${path} handles no message meanwhile.`,
      numbers: { runningMs },
      weight: load > 0 ? 80 : 70,
    },
  ];
  if (lastAsk?.isWaitedFor === true) {
    const cycle = waitingCycle(actor);
    const asked = lastAsk.asked.path;
    const text =
      cycle === undefined
        ? `It has asked ${asked}, which has not answered: explain that one, too.`
        : `These actors wait for one another, so that none can answer: ${cycle.join(' -> ')}.`;
    facts.push({ kind: 'handler', subject: asked, text, weight: cycle === undefined ? 82 : 95 });
  }
  return facts;
}

function failuresOf(actor: ActorNode, meter: ActorMeter | undefined): readonly Fact[] {
  const { failures = 0, lastFailure = '' } = meter?.of(actor) ?? {};
  if (failures === 0) return [];
  const text = `It has failed ${failures} times since it has been watched, last with: ${lastFailure}`;
  return [{ kind: 'failure', subject: actor.path, text, numbers: { failures }, weight: 30 }];
}
