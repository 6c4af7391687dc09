import { setTimeout } from 'node:timers/promises';
import type { AskOptions } from '#src/actors/kernel/index.js';
import type { Pipeline, PipelineRun, Runtime } from '#src/actors/runtime/index.js';
import { MillraceError } from '#src/errors.js';
import { Errands } from '../../actors/runtime/errand-runner.js';
import { journal } from './components.js';
import type { ParcelsArgs } from './declare-parcels.js';
import { nextId } from './ids.js';

const TICK_MS = 50;
const ASK_MS = 3_000;
/** Longer than anything here may take. */
const PATIENCE_MS = 90_000;

/** What an actor and a group have in common. */
interface Target {
  push(message: { readonly value: number }): boolean;
  run(message: { readonly value: number }, options: AskOptions): Promise<{ readonly value: number }>;
}

/** Sends tells and asks to actors and a group, and runs pipelines, until it is told to finish. Writes down what becomes of each. */
export class Traffic {
  readonly #runtime: Runtime;
  /** By the word that the journal has for them. */
  readonly #targets = new Map<string, Target>();
  readonly #unsettled = new Map<string, Promise<void>>();
  readonly #runs = new Map<string, PipelineRun>();
  #isOver = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    runtime.deadLetters.subscribe(({ message }) => {
      if (typeof message === 'object' && message !== null && 'value' in message)
        journal.write('dead', Number(message.value));
    });
  }

  /** Sends to the holder of the name from now on, whoever that is. */
  async follow(name: string): Promise<void> {
    let holder = '';
    await persist(() =>
      this.#runtime.watchName(Errands, name, (ref) => {
        this.#targets.delete(holder);
        holder = ref === undefined ? '' : String(ref.toRef().cUid);
        if (ref !== undefined) this.#targets.set(holder, ref);
      }),
    );
  }

  async followGroup(name: string): Promise<void> {
    this.#targets.set('group', await persist(() => this.#runtime.group(Errands, name)));
  }

  start(): void {
    this.#settles('the ticks', this.#send());
  }

  /** Runs the pipeline again and again. */
  startRuns(pipeline: Pipeline<ParcelsArgs>): void {
    this.#settles(`the runs of ${pipeline.name}`, this.#run(pipeline));
  }

  /** Sends nothing any more. Resolves with what has not settled after a while. */
  async finish(): Promise<readonly string[]> {
    this.#isOver = true;
    const over = new AbortController();
    await Promise.race([
      Promise.all(this.#unsettled.values()),
      setTimeout(PATIENCE_MS, undefined, { signal: over.signal }),
    ]);
    over.abort();
    const runs = [...this.#runs].map(([run, each]) => `run ${run}: ${JSON.stringify(each.progress())}`);
    return this.#unsettled.size === 0 ? [] : [...this.#unsettled.keys(), ...runs];
  }

  async #send(): Promise<void> {
    while (!this.#isOver) {
      for (const [to, target] of this.#targets) {
        this.#tell(to, target);
        this.#ask(target);
      }
      await setTimeout(TICK_MS);
    }
  }

  #tell(to: string, target: Target): void {
    const value = nextId();
    journal.write('tell', value, to);
    try {
      target.push({ value });
    } catch (error) {
      journal.write('refused', value, codeOf(error));
    }
  }

  #ask(target: Target): void {
    const value = nextId();
    journal.write('ask', value);
    const answered = target.run({ value }, { timeoutMs: ASK_MS }).then(
      (reply) => journal.write(reply.value === value ? 'reply' : 'wrong-reply', value),
      (error: unknown) => journal.write('error', value, codeOf(error)),
    );
    this.#settles(`ask ${value}`, answered);
  }

  async #run(pipeline: Pipeline<ParcelsArgs>): Promise<void> {
    while (!this.#isOver) {
      const run = `${pipeline.name}-${nextId()}`;
      journal.write('run', run);
      try {
        const started = await this.#runtime.run(pipeline, { args: { run } });
        this.#runs.set(run, started);
        await started.done.finally(() => this.#runs.delete(run));
        journal.write('ran', run, 'ok');
      } catch (error) {
        journal.write('ran', run, codeOf(error));
      }
      await setTimeout(TICK_MS);
    }
  }

  #settles(what: string, work: Promise<void>): void {
    this.#unsettled.set(what, work);
    void work.finally(() => this.#unsettled.delete(what));
  }
}

/** Tries again for as long as it fails as it may while there is no control plane. */
export async function persist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code === 'STOPPED') throw error;
      await setTimeout(TICK_MS);
    }
  }
}

/** An error that is not ours is a fault. */
function codeOf(error: unknown): string {
  return error instanceof MillraceError ? error.code : `untyped:${JSON.stringify(String(error))}`;
}
