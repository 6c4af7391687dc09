import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('member-process.js', import.meta.url));

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

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

/** A process of the cluster (member-process.ts), to which commands are sent. */
export class Member {
  readonly child: ChildProcess;
  #last = 0;

  /** Its node, the address at which it listens, and how it finds the control plane. */
  constructor(...args: string[]) {
    const env = { ...process.env, MILLRACE_KEYLESS: 'loopback', MILLRACE_UCX: 'off' };
    this.child = fork(PROGRAM, args, { env });
  }

  /** Its first message: the address of the control plane. */
  async started(): Promise<string> {
    const [first] = (await once(this.child, 'message')) as [Answer];
    return String(first.result);
  }

  async send<Result>(command: string, ...names: string[]): Promise<Result> {
    const id = ++this.#last;
    const answered = new Promise<Answer>((resolve) => {
      const listener = (message: unknown): void => {
        const answer = message as Answer;
        if (answer.id !== id) return;
        this.child.off('message', listener);
        resolve(answer);
      };
      this.child.on('message', listener);
    });
    this.child.send({ id, command, names });
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(error);
    return result as Result;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}
