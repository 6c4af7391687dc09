import { AskTimeoutError, ConfigError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { introspectionCUid, ownerOrdinal } from '../../../ids/index.js';
import { accepted, checkOptions } from '../../../options/index.js';
import { v1 } from '../../../protocol/index.js';
import type { Fact, UntypedRef } from '../../kernel/index.js';
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
  /** Time in ms between two looks: the second one knows what has moved since the first. 0: one look. Default 300. */
  readonly sampleMs?: number;
  /** Time in ms that a partition has to answer. Default 2,000. */
  readonly timeoutMs?: number;
}

interface Found {
  readonly ordinal: number;
  readonly incarnation: bigint;
  readonly address: string;
  /** Its node and process. */
  readonly where: string;
}

interface Answer {
  readonly found: Found;
  readonly facts: readonly ExplainedFact[];
  readonly cUid: bigint;
}

const OPTIONS = { sampleMs: accepted.number, timeoutMs: accepted.milliseconds };
const SAMPLE_MS = 300;
const TIMEOUT_MS = 2_000;
/** An actor as errors describe it whose name they do not know. */
const CHANNEL = /^actor (?<hex>[0-9a-f]{1,16})(?:$|[ ,.])/;

/**
 * Asks all partitions what they know of something: an actor, by its name, path or reference; a peer, by its address or the name of its partition; a component or
 * an rpc, by its full name. Rejects with ConfigError where nobody knows it, and with AskTimeoutError where the control plane does not answer.
 */
export async function explainCluster(
  peers: Peers,
  asked: string | UntypedRef,
  options: ExplainOptions = {},
): Promise<Explained> {
  checkOptions('explain', options, OPTIONS);
  const { sampleMs = SAMPLE_MS, timeoutMs = TIMEOUT_MS } = options;
  const { resources, names } = await peers.list(timeoutMs);
  const what = typeof asked === 'string' ? asked : `actor ${asked.toRef().cUid.toString(16)}`;
  const given = typeof asked === 'string' ? channelOf(asked, names) : asked.toRef().cUid;
  const all = partitionsIn(resources);
  const ask = (cUid: bigint): Promise<readonly Answer[]> =>
    Promise.all(all.map((found) => answerOf(peers, found, { what, cUid }, timeoutMs)));
  let answers = await ask(given);
  const cUid = given === 0n ? (answers.find((each) => each.cUid !== 0n)?.cUid ?? 0n) : given;
  if (sampleMs > 0 || cUid !== given) {
    if (sampleMs > 0) await passed(peers, sampleMs);
    answers = await ask(cUid);
  }
  const owner = ownerOrdinal(cUid);
  const gone = cUid !== 0n && all.every(({ ordinal }) => ordinal !== owner) ? [ended(what, owner)] : [];
  const facts = [...gone, ...inOrder(answers, owner)];
  if (facts.every(({ kind }) => kind === 'partition') && cUid === 0n) throw unknown(what, names, facts);
  return { what, because: because(facts), facts };
}

function channelOf(what: string, names: readonly v1.NameEntry[]): bigint {
  const named = names.find(({ name, ref }) => name === what && ref !== undefined)?.ref?.cUid;
  const { hex } = CHANNEL.exec(what)?.groups ?? {};
  return named ?? (hex === undefined ? 0n : BigInt(`0x${hex}`));
}

async function answerOf(peers: Peers, found: Found, asked: v1.ToExplainInit, timeoutMs: number): Promise<Answer> {
  const { ordinal, incarnation, address, where } = found;
  const actor = peers.reference(v1.Introspection, address, introspectionCUid(ordinal, incarnation));
  try {
    const { facts, cUid } = await actor.explain(asked, { timeoutMs });
    return { found, cUid, facts: facts.map((fact) => ({ ...fact, ...numbersOf(fact), partition: ordinal })) };
  } catch (error) {
    const why =
      error instanceof AskTimeoutError
        ? `it has not answered in ${timeoutMs} ms: a handler holds its event loop, or its process is stopped`
        : messageOf(error);
    const text = `Partition ${ordinal} (${where}) says nothing: ${why}.`;
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

function ended(what: string, owner: number | undefined): ExplainedFact {
  const text = `The partition of ${what} (${owner ?? 'none'}) has ended: nothing that is sent there is handled.`;
  return partitionFact(owner ?? 0, text, 100);
}

function partitionFact(partition: number, text: string, weight: number): ExplainedFact {
  return { kind: 'partition', subject: `partition ${partition}`, text, numbers: {}, weight, partition };
}

function numbersOf({ numbers }: v1.Fact): { readonly numbers: Readonly<Record<string, number>> } {
  return { numbers: Object.fromEntries(numbers.map(({ name, value }) => [name, value])) };
}

function unknown(what: string, names: readonly v1.NameEntry[], silent: readonly ExplainedFact[]): ConfigError {
  const known = names.map(({ name }) => name).filter((name) => !name.startsWith('millrace/'));
  const those = known.length === 0 ? 'There are no names.' : `There are the names ${known.slice(0, 10).join(', ')}.`;
  const text = [
    `Nobody knows ${JSON.stringify(what)}: it is no name or path of an actor, no address of a peer, no component and no rpc that anybody waits for.`,
    those,
    ...silent.map(({ text }) => text),
  ];
  return new ConfigError(text.join(' '));
}

function passed({ scheduler }: Peers, ms: number): Promise<void> {
  return new Promise((resolve) => void scheduler.setTimer(ms, resolve));
}

/** The partitions that have started. */
function partitionsIn(resources: readonly v1.Resource[]): readonly Found[] {
  const processes = new Map<bigint, v1.Process>();
  for (const { detail } of resources) if (detail.case === 'process') processes.set(detail.value.pUid, detail.value);
  return resources.flatMap(({ detail }): Found[] => {
    if (detail.case !== 'partition' || detail.value.segmentsManager === undefined) return [];
    const { ordinal, address, pUid, segmentsManager } = detail.value;
    const { node = '', name = '' } = processes.get(pUid) ?? {};
    return [{ ordinal, address, incarnation: segmentsManager.incarnation, where: `${node} ${name}` }];
  });
}
