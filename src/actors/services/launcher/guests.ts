import { CapacityError, ConfigError, ProtocolError, Refusal } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import { debugCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { optionTable } from '../../../options/index.js';
import { v1 } from '../../../protocol/index.js';
import { behavior, type Context, later, senderIdentity } from '../../kernel/index.js';
import { GuestNode, type GuestEvents, type GuestRun } from './guest-node.js';

/** The debug channel of the launcher on which hosts ask to join. */
export const guestsCUid = debugCUid(1);

/** The nodes of a run that its launcher has not started. Each has an index of its own, which no other gets. */
export class Guests {
  readonly #run: GuestRun;
  readonly #byHostId = new Map<bigint, GuestNode>();
  #joined = 0;
  #isHalting = false;

  constructor(run: GuestRun) {
    this.#run = run;
  }

  get all(): readonly GuestNode[] {
    return [...this.#byHostId.values()];
  }

  /** From now on hosts can join. */
  open(events: GuestEvents): void {
    const guests = behavior(v1.Guests, {
      supervision: { onFailure: 'resume' },
      admit: (_state, guest, context) => {
        this.#admit(guest, events, senderIdentity(context));
        return {};
      },
      settle: (_state, { hostId }, context) => later(this.#guest(hostId, context).settled),
      leave: (_state, { hostId }, context) => {
        this.#guest(hostId, context).part({ cause: 'it was told to leave' });
        return {};
      },
      parting: (_state, { hostId }, context) => this.#guest(hostId, context).parting(),
    });
    this.#run.infrastructure.spawn(guests, { name: 'guests', cUid: guestsCUid });
  }

  /** Global services are there now. Never rejects. */
  async welcome(place: v1.GlobalServicesPlace): Promise<void> {
    await Promise.all(this.all.map((guest) => guest.welcome(place)));
  }

  /** The run is being torn down. */
  halting(): void {
    this.#isHalting = true;
    for (const guest of this.all) guest.halting();
  }

  /** Orders a step of the teardown. Resolves to what could not be done. */
  async halt(step: v1.Step, patienceMs: number): Promise<readonly v1.PartFailed[]> {
    return (await Promise.all(this.all.map((guest) => guest.halt(step, patienceMs)))).flat();
  }

  /** May be repeated. */
  #admit({ hostId, node: name, secret }: v1.Guest, events: GuestEvents, sender: string): void {
    const known = this.#byHostId.get(hostId);
    if (known !== undefined) return assertSame(known, sender);
    if (this.#isHalting) throw new Refusal('HALTING', 'No node can join: the run is being torn down.');
    this.#assertNodeName(name);
    if (secret === '')
      throw new ProtocolError(`The node ${name} was refused: its request has no secret for its backend.`);
    if (this.#byHostId.size >= limits.managedProcesses) {
      throw new CapacityError(
        `${limits.managedProcesses} nodes have joined this run (limit managedProcesses): end one of them first.`,
      );
    }
    const index = this.#run.names.length + this.#joined;
    const gone = (): void => void this.#byHostId.delete(hostId);
    this.#byHostId.set(hostId, new GuestNode({ run: this.#run, events, index, hostId, name, secret, sender, gone }));
    this.#joined += 1;
  }

  /** Throws Refusal for what is no name of a node, and for the name of another node: each is known by its name to people, logs and placement. */
  #assertNodeName(name: string): void {
    const { nodeName } = optionTable;
    if (nodeName.check(name) === undefined) {
      throw new Refusal(
        'BAD_NODE_NAME',
        `${shownValue(name)} is no name of a node: give ${nodeName.accepts} by --node.`,
      );
    }
    const taken = [...this.#run.names, ...this.all.map((guest) => guest.name)];
    if (!taken.includes(name)) return;
    throw new Refusal(
      'NODE_NAME_TAKEN',
      `The run has a node ${name}: give another name by --node, or wait until that node has left the run.`,
    );
  }

  #guest(hostId: bigint, context: Context): GuestNode {
    const guest = this.#byHostId.get(hostId);
    if (guest === undefined) {
      throw new ConfigError('This node is no part of the run: it has left, or was never admitted.');
    }
    assertSame(guest, senderIdentity(context));
    return guest;
  }
}

/** Only the process that was admitted speaks for a guest. */
function assertSame({ name, sender }: GuestNode, by: string): void {
  if (sender === by) return;
  throw new ProtocolError(`A request in the name of the node ${name} was refused: another process has sent it.`);
}
