import type { v1 } from '../../../protocol/index.js';
import type { Execution } from '../../../resources/execution/index.js';
import type { StartedProcess } from './processes.js';

/** What a node needs of the operating system. A simulation has its own. */
export interface NodeSystem {
  readonly pid: number;
  /** Processors of its allocation. */
  readonly cpus: number;
  /** Of Millrace. */
  readonly version: string;
  /** Nodes of the run that have a process of global services: the first ones. Only one where the run has no cluster store. */
  readonly candidates: number;
  /** The machine as this process sees it. */
  readonly topology: v1.NodeTopologyInit;
  /** Starts a process of the application. Throws where it cannot be started. */
  startProcess(process: v1.ProcessToStart, node: NodeIdentity, output: Output): StartedProcess;
  /** Starts the process of global services, which will greet the shepherd of this node with `secret`. */
  startGlobalServices(node: NodeIdentity, secret: string): Execution;
  /** Ends this process at once, as kill -9 does. */
  kill(): void;
  /** The node was torn down: its process ends now. */
  endProcess(): void;
}

/** What a process is told of its node. */
export interface NodeIdentity {
  readonly index: number;
  readonly nodes: number;
  /** Where the roles of the node are reached. */
  readonly address: string;
  readonly globalServices: v1.GlobalServicesPlace | undefined;
}

/** Takes what a process writes. Resolves when it may write more: so the output of a process is bounded, and in order. */
export type Output = (written: v1.ProcessOutputInit) => Promise<void>;
