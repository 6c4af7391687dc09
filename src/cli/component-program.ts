/** The program of a folder of components, which calls them: one at a time. */
import { namedMessageOf } from '../foreign.js';
import type { ComponentNetwork, NetworkProgram } from '../index.js';

/** Time in ms in which a program ends after its signal. */
const END_MS = 5_000;

export interface ComponentProgramOptions {
  readonly network: ComponentNetwork;
  readonly args: readonly string[];
  readonly say: (text: string) => void;
  /** Shows where an error was thrown. */
  readonly sayStack: (error: unknown) => void;
}

export class ComponentProgram {
  readonly #options: ComponentProgramOptions;
  #running: { readonly abort: AbortController; readonly ended: Promise<boolean> } | undefined;

  constructor(options: ComponentProgramOptions) {
    this.#options = options;
  }

  /** Starts a program, after the one before has ended. */
  async start(program: NetworkProgram): Promise<void> {
    await this.stop();
    const abort = new AbortController();
    this.#running = { abort, ended: this.#run(program, abort.signal) };
  }

  /** Resolves when the program has ended: to false where it has failed, and where there is none. */
  get ended(): Promise<boolean> {
    return this.#running?.ended ?? Promise.resolve(false);
  }

  /** Resolves when the program has ended after its signal. One that does not end in time is given up. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.abort.abort();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), END_MS)));
    const end = await Promise.race([running.ended, late]);
    clearTimeout(timer);
    if (end === 'late') {
      this.#options.say(
        `The program has not ended ${END_MS / 1_000} s after its signal was aborted, and is left alone.`,
      );
    }
  }

  async #run(program: NetworkProgram, signal: AbortSignal): Promise<boolean> {
    const { network, args, say, sayStack } = this.#options;
    try {
      await program({ network, signal, args });
      if (!signal.aborted) say('the program has ended');
      return true;
    } catch (error) {
      // Its requests fail when it is stopped.
      if (signal.aborted) return true;
      say(`the program has failed: ${namedMessageOf(error)}`);
      sayStack(error);
      return false;
    }
  }
}
