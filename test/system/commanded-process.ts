import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

type Commands = Readonly<Record<string, (...args: string[]) => Promise<unknown>>>;

/** A process of a test, to which commands are sent. Its program calls `answerCommands`. */
export class CommandedProcess {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = fork(program, args, {
      env: { ...process.env, MILLRACE_KEYLESS: 'loopback', MILLRACE_UCX: 'off', ...env },
    });
    this.child.on('message', (message) => {
      const answer = message as Answer;
      this.#waiting.get(answer.id)?.(answer);
    });
    this.child.on('exit', () => {
      for (const [id, answer] of this.#waiting) answer({ id, error: 'the process has ended' });
    });
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** What the program has said of itself. */
  started(): Promise<unknown> {
    return this.#answer(0);
  }

  async send<Result>(command: string, ...args: string[]): Promise<Result> {
    const id = ++this.#last;
    const answered = this.#answer(id);
    this.child.send({ id, command, args });
    return (await answered) as Result;
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  /** Stops its runtime, expects that nothing is left of it, and ends the process. */
  async stop(): Promise<void> {
    const left = await this.send<Readonly<Record<string, number>>>('stop');
    expect(Object.entries(left).filter(([, count]) => count !== 0)).to.deep.equal([]);
    await this.kill();
  }

  async #answer(id: number): Promise<unknown> {
    if (this.hasEnded) throw new Error('the process has ended');
    const { result, error } = await new Promise<Answer>((resolve) => void this.#waiting.set(id, resolve));
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(error);
    return result;
  }
}

/** In the process: says `started`, and answers each command that is sent. */
export function answerCommands(commands: Commands, started: unknown): void {
  process.on('message', ({ id, command, args }: { id: number; command: string; args: string[] }) => {
    const done = commands[command]?.(...args) ?? Promise.reject(new Error(`no command ${command}`));
    done.then(
      (result: unknown) => process.send?.({ id, result }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ id: 0, result: started });
}
