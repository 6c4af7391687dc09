import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MemberOfNetwork, NetworkDescription } from '#src/actors/runtime/index.js';
import { eventually } from '../../support/until.js';
import { CommandedProcess } from '../../system/commanded-process.js';

const PROGRAM = fileURLToPath(new URL('member-process.js', import.meta.url));

/** A member of a network in a process of its own. */
export class MemberProcess extends CommandedProcess {
  readonly node: string;
  address = '';

  constructor(node: string, env: Readonly<Record<string, string>>) {
    super(PROGRAM, [], { MILLRACE_NODE_NAME: node, ...env });
    this.node = node;
  }

  members(): Promise<readonly MemberOfNetwork[]> {
    return this.send('members');
  }

  network(): Promise<NetworkDescription> {
    return this.send('network');
  }

  /** The nodes that have this status for it. */
  async nodes(status: MemberOfNetwork['status']): Promise<readonly string[]> {
    return (await this.members()).filter((member) => member.status === status).map(({ node }) => node);
  }
}

/** Processes on this host that know each other by seeds alone. */
export class MemberProcesses {
  readonly all: MemberProcess[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  readonly #probeMs: number;

  constructor(probeMs: number) {
    this.#probeMs = probeMs;
  }

  /** Starts one more. Its seeds are those that run, or `seeds`. */
  async start(seeds?: string, env: Readonly<Record<string, string>> = {}): Promise<MemberProcess> {
    const index = this.all.length;
    const listen = `unix:${join(this.folder, `member-${index}`)}`;
    const known = this.all.filter(({ hasEnded }) => !hasEnded).map(({ address }) => address);
    const one = new MemberProcess(`node-${index}`, {
      MILLRACE_LISTEN: listen,
      MILLRACE_SEEDS: seeds ?? [listen, ...known.slice(-2)].join(','),
      MILLRACE_PROBE_MS: String(this.#probeMs),
      ...env,
    });
    this.all.push(one);
    await one.started();
    one.address = listen;
    return one;
  }

  /** Waits until each of these takes exactly these for alive. */
  async agree(members: readonly MemberProcess[], patienceMs: number): Promise<void> {
    const wanted = members.map(({ node }) => node).toSorted();
    await eventually(async () => {
      const seen = await Promise.all(members.map((member) => member.nodes('alive')));
      return seen.every((nodes) => nodes.toSorted().join(' ') === wanted.join(' '));
    }, patienceMs);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((member) => member.kill()));
    rmSync(this.folder, { recursive: true });
  }
}
