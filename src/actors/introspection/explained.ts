import { ownerOrdinal } from '../../ids/index.js';
import type { v1 } from '../../protocol/index.js';
import { type ActorNode, type Fact, PendingAsk } from '../kernel/index.js';
import { actorFacts } from './actor-facts.js';
import { findActor } from './actor-looks.js';
import { linkFacts } from './link-facts.js';
import type { IntrospectedPartition } from './introspection.js';
import type { Measurement } from './measurement.js';

/** Asks, and events, of one subject that are listed at most. */
const LISTED = 5;

/** What one partition knows of something: its actor, asks of it that wait here, its link, what other parts say of it, and its last events. */
export function explained(
  partition: IntrospectedPartition,
  { what, cUid }: v1.ToExplain,
  measurement: Measurement | undefined,
): v1.PartitionExplanationInit {
  const { system, scheduler } = partition;
  const actor = actorOf(partition, what, cUid);
  const nowMs = scheduler.now();
  const asks = askFacts(system.deadlines, what, actor?.path ?? what, cUid, nowMs);
  const facts: readonly Fact[] = [
    ...(actor === undefined ? [] : actorFacts(actor, measurement?.meter)),
    ...asks,
    ...linksOf(partition, what, actor === undefined ? cUid : 0n, asks.length > 0),
    ...[...system.explainers].flatMap((explainer) => explainer(what)),
    ...eventFacts(measurement, actor?.path ?? system.pathOf(cUid) ?? what, nowMs),
  ];
  return { facts: facts.map(onWire), cUid: actor?.takenCUid ?? 0n };
}

function actorOf({ system, router }: IntrospectedPartition, what: string, cUid: bigint): ActorNode | undefined {
  const isHere = cUid !== 0n && ownerOrdinal(cUid) === router.ordinal;
  const path = isHere ? system.pathOf(cUid) : what;
  return path === undefined ? undefined : findActor(system.roots, system.name, path);
}

/** An explanation of an actor elsewhere says more of the link to it only where an ask waits, or where something is wrong with the link. */
function linksOf({ router }: IntrospectedPartition, what: string, cUid: bigint, hasAsks: boolean): readonly Fact[] {
  const facts = linkFacts(router, what, cUid === 0n ? undefined : ownerOrdinal(cUid));
  const isNamed = cUid === 0n || hasAsks || facts.some(({ weight = 0 }) => weight > 0);
  return isNamed ? facts : [];
}

function askFacts(
  deadlines: Iterable<object>,
  what: string,
  path: string,
  cUid: bigint,
  nowMs: number,
): readonly Fact[] {
  const facts: Fact[] = [];
  let count = 0;
  for (const ask of deadlines) {
    if (!(ask instanceof PendingAsk)) continue;
    if (ask.method.fullName !== what && !ask.isAskedOf(path, cUid)) continue;
    if (++count <= LISTED) facts.push(askFact(ask, nowMs));
  }
  if (count > LISTED)
    facts.push({ kind: 'ask', subject: path, text: `${count} asks of it wait here for a reply.`, numbers: { count } });
  return facts;
}

function askFact(ask: PendingAsk, nowMs: number): Fact {
  const leftMs = Math.max(0, ask.deadlineMs - nowMs);
  const subject = ask.target();
  const text = `${ask.method.fullName}, asked of ${subject} from here, has no reply yet; its deadline is in ${Math.round(leftMs)} ms.`;
  return { kind: 'ask', subject, text, numbers: { leftMs } };
}

function eventFacts(measurement: Measurement | undefined, subject: string, nowMs: number): readonly Fact[] {
  const events = measurement?.events.of(subject, LISTED) ?? [];
  return events.map(({ atMs, kind, subject, detail }) => {
    const agoMs = nowMs - atMs;
    const text = `${Math.round(agoMs)} ms ago: ${kind}${detail === '' ? '' : `, ${detail}`}`;
    return { kind: 'event', subject, text, numbers: { agoMs }, weight: EVENT_WEIGHTS[kind] ?? 0 };
  });
}

const EVENT_WEIGHTS: Readonly<Record<string, number>> = { failed: 30, 'dead-letter': 25, 'ask-late': 10, stopped: 20 };

function onWire({ kind, subject, text, numbers = {}, weight = 0 }: Fact): v1.FactInit {
  const listed = Object.entries(numbers).map(([name, value]) => ({ name, value }));
  return { kind, subject, text, numbers: listed, weight };
}
