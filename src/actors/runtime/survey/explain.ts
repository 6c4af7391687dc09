import { AskTimeoutError, ConfigError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { introspectionCUid, ownerOrdinal } from '../../../ids/index.js';
import { accepted, checkOptions } from '../../../options/index.js';
import { v1 } from '../../../protocol/index.js';
import { pause } from '../../../scheduler/index.js';
import type { Fact, UntypedRef } from '../../kernel/index.js';
import { listedPartitions, type ListedPartition } from './listed-partitions.js';
import type { Peers } from './peers.js';

/** One thing that a partition knows of why something waits. */
export interface ExplainedFact extends Required<Fact> {
  /** Ordinal of the partition that says so. */
  readonly partition: number;
}

/** Why something waits, or goes the way that it goes. Plain data that becomes JSON. */
export interface Explained {
  /** As it was asked for. */
  readonly what: string;
  /** The likeliest reason, in a sentence. */
  readonly because: string;
  /** All that is known, what is nearest first. */
  readonly facts: readonly ExplainedFact[];
}

export interface ExplainOptions {
  /** Time in ms between two looks, at most 60,000: the second one knows what has moved since the first. 0: one look. Default 300. */
  readonly sampleMs?: number;
  /** Time in ms that a partition has to answer. Default 2,000. */
  readonly timeoutMs?: number;
  /** Ends it with AskAbortedError. */
  readonly signal?: AbortSignal;
}

interface Answer {
  readonly found: ListedPartition;
  readonly facts: readonly ExplainedFact[];
  readonly cUid: bigint;
}

const SAMPLE_AT_MOST_MS = 60_000;
const OPTIONS = {
  sampleMs: {
    what: `a number of milliseconds from 0 to ${SAMPLE_AT_MOST_MS}`,
    is: (value: unknown) => typeof value === 'number' && value >= 0 && value <= SAMPLE_AT_MOST_MS,
  },
  timeoutMs: accepted.milliseconds,
  signal: accepted.signal,
};
const SAMPLE_MS = 300;
const TIMEOUT_MS = 2_000;
/** An actor as errors describe it whose name they do not know. */
const CHANNEL = /^actor (?<hex>[0-9a-f]{1,16})(?:$|[ ,.])/;

/**
 * Asks all partitions what they know of something: an actor, by its name, path or reference; a peer, by its address or the name of its partition; a component or
 * an rpc, by its full name. Rejects with ConfigError where nobody knows it and for a wrong option, with AskTimeoutError where the control plane does not answer, and with
 * AskAbortedError at the signal.
 */
export async function explainCluster(
  peers: Peers,
  asked: string | UntypedRef,
  options: ExplainOptions = {},
): Promise<Explained> {
  checkOptions('explain', options, OPTIONS);
  const { sampleMs = SAMPLE_MS, timeoutMs = TIMEOUT_MS, signal } = options;
  const { resources, names } = await peers.list(timeoutMs, signal);
  const what = typeof asked === 'string' ? asked : `actor ${asked.toRef().cUid.toString(16)}`;
  const given = typeof asked === 'string' ? channelOf(asked, names) : asked.toRef().cUid;
  const all = listedPartitions(resources);
  const started = all.filter(({ hasStarted }) => hasStarted);
  const ask = (cUid: bigint): Promise<readonly Answer[]> =>
    Promise.all(started.map((found) => answerOf(peers, found, { what, cUid }, { timeoutMs, signal })));
  let answers = await ask(given);
  const cUid = given === 0n ? (answers.find((each) => each.cUid !== 0n)?.cUid ?? 0n) : given;
  if (sampleMs > 0 || cUid !== given) {
    if (sampleMs > 0) await pause(peers.scheduler, sampleMs, signal);
    answers = await ask(cUid);
  }
  const owner = ownerOrdinal(cUid);
  const facts = [...absenceOf(what, owner, all), ...inOrder(answers, owner)];
  if (facts.every(({ kind }) => kind === 'partition') && owner === undefined) throw unknown(what, names, all, facts);
  return { what, because: because(facts), facts };
}

function channelOf(what: string, names: readonly v1.NameEntry[]): bigint {
  const named = names.find(({ name, ref }) => name === what && ref !== undefined)?.ref?.cUid;
  const { hex } = CHANNEL.exec(what)?.groups ?? {};
  return named ?? (hex === undefined ? 0n : BigInt(`0x${hex}`));
}

async function answerOf(
  peers: Peers,
  found: ListedPartition,
  asked: v1.ToExplainInit,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<Answer> {
  const { ordinal, incarnation, address, node, process } = found;
  const actor = peers.reference(v1.Introspection, address, introspectionCUid(ordinal, incarnation));
  try {
    const { facts, cUid } = await actor.explain(asked, { timeoutMs, signal });
    return { found, cUid, facts: facts.map((fact) => ({ ...fact, ...numbersOf(fact), partition: ordinal })) };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const why =
      error instanceof AskTimeoutError
        ? `it has not answered in ${timeoutMs} ms: a handler holds its event loop, or its process is stopped`
        : messageOf(error);
    const text = `Partition ${ordinal} (${node} ${process}) says nothing: ${why}.`;
    return { found, cUid: 0n, facts: [partitionFact(ordinal, text, 15)] };
  }
}

/** What the partition of the actor says comes first; where that says nothing, that is why. */
function inOrder(answers: readonly Answer[], owner: number | undefined): readonly ExplainedFact[] {
  const isOwner = ({ found }: Answer): boolean => found.ordinal === owner;
  const own = answers.filter(isOwner).flatMap(({ facts }) => facts);
  const shown = own.map((fact) => (fact.kind === 'partition' ? { ...fact, weight: 100 } : fact));
  return [...shown, ...answers.filter((each) => !isOwner(each)).flatMap(({ facts }) => facts)];
}

function because(facts: readonly ExplainedFact[]): string {
  const [first] = facts.toSorted((one, other) => other.weight - one.weight);
  if (first === undefined || first.weight === 0) return 'Nothing that is known holds it up now.';
  return first.text;
}

/** Why the partition that made an id is not asked. Most ids have none: those of the runtime itself, and those that nobody has made. */
function absenceOf(what: string, owner: number | undefined, all: readonly ListedPartition[]): readonly ExplainedFact[] {
  if (owner === undefined) return [];
  const listed = all.find(({ ordinal }) => ordinal === owner);
  if (listed?.hasStarted === true) return [];
  const why =
    listed === undefined
      ? 'is not in the cluster. It has ended, or was never there: nothing that is sent there is handled'
      : `(${listed.node} ${listed.process}) has not started yet: nothing that is sent there is handled before`;
  return [partitionFact(owner, `Partition ${owner}, that of ${what}, ${why}.`, 100)];
}

function partitionFact(partition: number, text: string, weight: number): ExplainedFact {
  return { kind: 'partition', subject: `partition ${partition}`, text, numbers: {}, weight, partition };
}

function numbersOf({ numbers }: v1.Fact): { readonly numbers: Readonly<Record<string, number>> } {
  return { numbers: Object.fromEntries(numbers.map(({ name, value }) => [name, value])) };
}

function unknown(
  what: string,
  names: readonly v1.NameEntry[],
  all: readonly ListedPartition[],
  silent: readonly ExplainedFact[],
): ConfigError {
  const within = all.filter(({ node, process }) => [node, process, `${node}.${process}`].includes(what));
  const known = names.map(({ name }) => name).filter((name) => !name.startsWith('millrace/'));
  const those = known.length === 0 ? 'There are no names.' : `There are the names ${known.slice(0, 10).join(', ')}.`;
  const text = [
    `Nobody knows ${JSON.stringify(what)}: it is no name or path of an actor, no address of a peer, no component and no rpc that anybody waits for.`,
    those,
    ...within.map(({ ordinal, node, process }) => `Partition ${ordinal} is there, in the process ${node} ${process}.`),
    ...silent.map(({ text }) => text),
  ];
  return new ConfigError(text.join(' '));
}
