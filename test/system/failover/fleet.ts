import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from '../../support/until.js';
import { CommandedProcess } from '../commanded-process.js';
import { type Audit, audit, type Incarnation } from './audit.js';
import { NODES } from './nodes.js';

const PROGRAM = fileURLToPath(new URL('member-program.js', import.meta.url));
/** Longer than a member waits for what may be on its way when it finishes. */
const PATIENCE_MS = 60_000;

export interface MemberState {
  readonly isReady: boolean;
  readonly problems: readonly string[];
  readonly isServing: boolean;
  /** Address of the control plane. */
  readonly controlPlane: string;
}

interface Member {
  readonly number: number;
  readonly process: CommandedProcess;
}

/** Four processes that share a store of the cluster, and what all that have ever been started have written down. */
export class Fleet {
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-failover-'));
  readonly store: string;
  readonly #members = new Map<string, Member>();
  readonly #killed = new Set<number>();
  #last = 0;

  /** `store` is an address, or `embedded`: a file of its own. */
  constructor(store: string) {
    this.store = store === 'embedded' ? `embedded:${join(this.#folder, 'store')}` : store;
  }

  get nodes(): readonly string[] {
    return [...this.#members.keys()];
  }

  async start(): Promise<void> {
    await Promise.all(NODES.map((node) => this.begin(node)));
    await Promise.all(NODES.map((node) => this.joined(node)));
  }

  /** Starts the process of a node, and has it do its part. */
  async begin(node: string): Promise<void> {
    const number = ++this.#last;
    const env = { MEMBER_JOURNAL: this.#journal(number), MEMBER_NUMBER: String(number) };
    const process = new CommandedProcess(PROGRAM, [node, this.store], env);
    this.#members.set(node, { number, process });
    await process.started();
    await process.send('join');
  }

  /** Resolves when the process is ready, and the control plane finds it and places actors there. */
  async joined(node: string): Promise<void> {
    await this.probe(node);
    await eventually(async () => (await this.state(node)).isReady, PATIENCE_MS);
  }

  async kill(node: string): Promise<void> {
    const { number, process } = this.#member(node);
    this.#killed.add(number);
    this.#members.delete(node);
    await process.kill();
  }

  signal(node: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#member(node).process.child.kill(signal);
  }

  /** Resolves when the process has computed for so long, without a turn of its event loop. */
  compute(node: string, ms: number): Promise<void> {
    return this.#member(node).process.send('compute', String(ms));
  }

  probe(node: string): Promise<void> {
    return this.#member(node).process.send('probe');
  }

  /** Whether the control plane finds the name within a second. */
  finds(node: string, name: string): Promise<boolean> {
    return this.#member(node).process.send('finds', name);
  }

  state(node: string): Promise<MemberState> {
    return this.#member(node).process.send('state');
  }

  /** Which of the nodes serves the control plane. */
  async leader(nodes: readonly string[] = this.nodes): Promise<string> {
    let leader: string | undefined;
    await eventually(async () => {
      const states = await Promise.all(nodes.map(async (node) => [node, await this.state(node)] as const));
      leader = states.find(([, { isServing }]) => isServing)?.[0];
      return leader !== undefined;
    }, PATIENCE_MS);
    return leader ?? '';
  }

  /** Where the actor runs that has the name `bank`. */
  async holder(): Promise<string> {
    let holder: string | undefined;
    await eventually(async () => {
      const number = await this.#member(this.nodes[0] ?? '').process.send<number>('holder');
      holder = [...this.#members].find(([, member]) => member.number === number)?.[0];
      return holder !== undefined;
    }, PATIENCE_MS);
    return holder ?? '';
  }

  /** Ends the load, and compares what was sent with what has arrived. */
  async finish(): Promise<Audit> {
    const members = [...this.#members.values()];
    const unsettled = await Promise.all(members.map(({ process }) => process.send<readonly string[]>('finish')));
    expect(unsettled.flat(), 'promises that hang').to.deep.equal([]);
    // What is on its way arrives, or comes back.
    await eventually(() => audit(this.#incarnations()).faults.length === 0).catch(() => {});
    return audit(this.#incarnations());
  }

  /** Stops those that live in good order. */
  async stop(): Promise<void> {
    for (const { process } of this.#members.values()) await process.stop();
    this.#members.clear();
  }

  async close(): Promise<void> {
    for (const { process } of this.#members.values()) await process.kill();
    rmSync(this.#folder, { recursive: true });
  }

  #member(node: string): Member {
    const member = this.#members.get(node);
    if (member === undefined) throw new Error(`${node} does not run`);
    return member;
  }

  #incarnations(): readonly Incarnation[] {
    return Array.from({ length: this.#last }, (_none, index) => {
      const number = index + 1;
      return { number, journal: this.#journal(number), isKilled: this.#killed.has(number) };
    });
  }

  #journal(number: number): string {
    return join(this.#folder, `journal-${number}`);
  }
}
