import { fileURLToPath } from 'node:url';
import { CommandedProcess } from '../commanded-process.js';

const PROGRAM = fileURLToPath(new URL('member-process.js', import.meta.url));

export interface State {
  readonly isAlive: boolean;
  readonly isReady: boolean;
  readonly isReachable: boolean;
  readonly pUid: string;
  readonly ordinals: readonly number[];
  readonly handled: number;
  /** That are registered here. */
  readonly segments: number;
}

/** A process of the cluster (member-process.ts). When it has started, it says the address of the control plane. */
export class Member extends CommandedProcess {
  /** Its node, the address at which it listens, and how it finds the control plane. */
  constructor(...args: string[]) {
    super(PROGRAM, args);
  }
}
