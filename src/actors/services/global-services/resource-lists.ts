import { ConfigError } from '../../../errors.js';
import { globalServicesInputCUid, nodeDefaultMUid, nodeLoggingMUid, transportAgentCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import type { ActorRef } from '../../kernel/index.js';
import type { Infrastructure } from '../infrastructure.js';

const { CHANNEL, POOL, NODE } = v1.ResourceKind;

/**
 * The resources that global services did not create, and do not hold themselves: nodes and their pools follow from the run, and channels are
 * the names that the control plane holds, whose server is in the same process.
 */
export class ResourceLists {
  readonly #controlPlane: ActorRef<typeof v1.ControlPlane>;
  readonly #routes: ActorRef<typeof v1.TransportService>;
  readonly #nodes: number;
  /** Nodes of which the launcher has said where they are: those that it has not started among them. */
  readonly #told = new Map<number, v1.JoinedNode>();

  constructor(infrastructure: Infrastructure, run: { primary: string; controlPlane: string; nodes: number }) {
    this.#controlPlane = infrastructure.reference(v1.ControlPlane, run.controlPlane, globalServicesInputCUid);
    this.#routes = infrastructure.reference(v1.TransportService, run.primary, transportAgentCUid(0));
    this.#nodes = run.nodes;
  }

  nodeJoined(node: v1.JoinedNode): void {
    this.#told.set(node.index, node);
  }

  nodeLeft(index: number): void {
    this.#told.delete(index);
  }

  /** The address of a node. Rejects with ConfigError for one that the run does not have. */
  async addressOf(index: number): Promise<string> {
    const told = this.#told.get(index);
    if (told !== undefined) return told.address;
    const { address } = await this.#routes.route({ index }, { timeoutMs: limits.controlPlaneTimeoutMs });
    return address;
  }

  async list(kind: v1.ResourceKind): Promise<v1.ResourceDescriptorInit[]> {
    switch (kind) {
      case CHANNEL:
        return this.#channels();
      case POOL:
        return this.#indices().flatMap(poolsOf);
      case NODE:
        return Promise.all(this.#indices().map((index) => this.#node(index)));
      default:
        throw new ConfigError(`Resource kind ${kind} is unknown.`);
    }
  }

  /** Undefined where there is none. */
  async find({ kind, which }: v1.ResourceToQuery): Promise<v1.ResourceDescriptorInit | undefined> {
    const found = await this.list(kind);
    return found.find(({ id, name }) => (which.case === 'name' ? name : id) === which.value);
  }

  /** Waits until a channel has the name. The deadline of the ask bounds it. */
  async channel(name: string, timeoutMs: number): Promise<v1.ResourceDescriptorInit> {
    const { cUid } = await this.#controlPlane.lookup({ name }, { timeoutMs });
    return { kind: CHANNEL, id: cUid, name };
  }

  async #channels(): Promise<v1.ResourceDescriptorInit[]> {
    const { names } = await this.#controlPlane.list({}, { timeoutMs: limits.controlPlaneTimeoutMs });
    return names.map(({ name, ref }) => ({ kind: CHANNEL, id: ref?.cUid ?? 0n, name }));
  }

  async #node(index: number): Promise<v1.ResourceDescriptorInit> {
    const name = this.#told.get(index)?.name ?? `node-${index}`;
    return { kind: NODE, id: BigInt(index), name, node: index, address: await this.addressOf(index) };
  }

  #indices(): number[] {
    return [...new Set([...Array.from({ length: this.#nodes }, (_, index) => index), ...this.#told.keys()])];
  }
}

function poolsOf(node: number): v1.ResourceDescriptorInit[] {
  return [
    { kind: POOL, id: nodeDefaultMUid(node), name: `default-${node}`, node },
    { kind: POOL, id: nodeLoggingMUid(node), name: `logging-${node}`, node },
  ];
}
