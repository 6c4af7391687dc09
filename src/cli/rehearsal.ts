/** One run of `millrace rehearse`: a virtual cluster whose nodes go from the old components to the new ones, one after the other, while a workload calls them. */
import { type AnyContained, handledThrough, type ServedComponent } from '../actors/component/index.js';
import { isAsyncIterable, namedMessageOf, promiseOf } from '../foreign.js';
import { type ComponentClient, ComponentNetwork, Executor, type NetworkProgram, type Runtime } from '../index.js';
import type { AnyService, Meta } from '../protocol/index.js';
import { pause } from '../scheduler/index.js';
import { RehearsalLedger } from './rehearsal-ledger.js';

export interface RehearsalOptions {
  readonly seed: number;
  readonly old: readonly AnyContained[];
  /** Undefined: the old ones go on to the end, to compare with. */
  readonly next: readonly AnyContained[] | undefined;
  readonly workload: NetworkProgram;
  readonly args: readonly string[];
  /** Virtual time in ms after which the workload is told to end, and that in which the new components take the place of the old ones. */
  readonly spanMs: number;
  readonly deployMs: number;
}

export interface Rehearsed {
  readonly ledger: RehearsalLedger;
  /** What was refused, or has failed otherwise than a request. */
  readonly problems: readonly string[];
  /** Virtual time in ms that the workload has taken. */
  readonly tookMs: number;
}

/** Entry of the meta of a request that has its number. */
const NUMBER = 'millrace-rehearsal';
/** Virtual time in ms in which a workload ends after its signal. */
const END_MS = 30_000;
const SERVING = ['node-1', 'node-2'];

export async function rehearse(options: RehearsalOptions): Promise<Rehearsed> {
  const executor = new Executor({ seed: options.seed, latencyMs: 1, jitterMs: 2 });
  try {
    return await rehearseOn(executor, options);
  } finally {
    await executor.stop();
  }
}

async function rehearseOn(executor: Executor, options: RehearsalOptions): Promise<Rehearsed> {
  const { old, next, workload, args, spanMs, deployMs } = options;
  const ledger = new RehearsalLedger();
  const problems: string[] = [];
  const { scheduler } = executor;
  const caller = await executor.start({ node: 'node-0' });
  const nodes: ServingNode[] = [];
  for (const node of SERVING) {
    const runtime = await executor.start({ node, controlPlane: caller.controlPlane });
    const serving = new ServingNode(runtime, ledger, problems);
    await serving.serve(old);
    nodes.push(serving);
  }
  const abort = new AbortController();
  const late = scheduler.setTimer(spanMs, () => {
    ledger.end();
    abort.abort();
  });
  const beganMs = scheduler.now();
  const network = new CountingNetwork(caller, ledger);
  const work = ended(workload, { network, signal: abort.signal, args }, problems);
  if (next !== undefined) {
    // The second node has the old ones while the first has the new ones.
    for (const [index, node] of nodes.entries()) {
      await pause(scheduler, ((index + scheduler.random()) * deployMs) / nodes.length / 2);
      await node.replace(next);
    }
  }
  const isLate = await Promise.race([work.then(() => false), pause(scheduler, spanMs + END_MS).then(() => true)]);
  scheduler.clearTimer(late);
  if (isLate) problems.push(`the workload has not ended ${END_MS / 1_000} s after its signal was aborted`);
  const tookMs = scheduler.now() - beganMs;
  await network.close();
  for (const node of nodes) await node.close();
  return { ledger, problems, tookMs };
}

async function ended(
  workload: NetworkProgram,
  context: Parameters<NetworkProgram>[0],
  problems: string[],
): Promise<void> {
  try {
    await workload(context);
  } catch (error) {
    problems.push(`the workload has failed: ${namedMessageOf(error)}`);
  }
}

class ServingNode {
  readonly #network: ComponentNetwork;
  readonly #node: string;
  readonly #ledger: RehearsalLedger;
  readonly #problems: string[];
  readonly #served = new Map<string, ServedComponent>();

  constructor(runtime: Runtime, ledger: RehearsalLedger, problems: string[]) {
    this.#network = new ComponentNetwork(runtime);
    this.#node = runtime.node;
    this.#ledger = ledger;
    this.#problems = problems;
  }

  async serve(components: readonly AnyContained[]): Promise<void> {
    for (const component of components) {
      const served = await this.#network.serve(this.#counted(component));
      this.#served.set(component.name, served);
      const { lastError } = served.load();
      if (lastError !== '') this.#problems.push(`${component.name} does not start on ${this.#node}: ${lastError}`);
    }
  }

  async replace(components: readonly AnyContained[]): Promise<void> {
    for (const [name, served] of this.#served) {
      if (components.some((each) => each.name === name)) continue;
      this.#problems.push(`${name} is not among the new components, and is served no more on ${this.#node}`);
      this.#served.delete(name);
      await served.close();
    }
    for (const component of components) {
      const served = this.#served.get(component.name);
      try {
        if (served === undefined) await this.serve([component]);
        else await served.replace(this.#counted(component));
      } catch (error) {
        this.#problems.push(`${component.name} is not replaced on ${this.#node}: ${namedMessageOf(error)}`);
      }
    }
  }

  async close(): Promise<void> {
    await this.#network.close({ drainMs: 1_000 });
  }

  #counted(component: AnyContained): AnyContained {
    return handledThrough(component, (_method, meta, handle) => {
      const number = Number(meta?.[NUMBER] ?? 0);
      this.#ledger.handled(number);
      return handle();
    });
  }
}

/** The network of the workload, whose requests are numbered. */
class CountingNetwork extends ComponentNetwork {
  readonly #ledger: RehearsalLedger;

  constructor(runtime: Runtime, ledger: RehearsalLedger) {
    super(runtime);
    this.#ledger = ledger;
  }

  override async client<S extends AnyService>(service: S): Promise<ComponentClient<S>> {
    const client = await super.client(service);
    const ledger = this.#ledger;
    return new Proxy(client, {
      get: (target, name) => {
        const call: unknown = Reflect.get(target, name);
        if (typeof call !== 'function') return call;
        return (request: unknown, options?: { readonly meta?: Meta }) => {
          const number = ledger.began(`${service.typeName}.${String(name)}`);
          const meta = { ...options?.meta, [NUMBER]: String(number) };
          const result: unknown = Reflect.apply(call, target, [request, { ...options, meta }]);
          if (isAsyncIterable(result)) return followed(result, number, ledger);
          promiseOf(result)?.then(
            () => ledger.answered(number),
            (error: unknown) => ledger.failed(number, error),
          );
          return result;
        };
      },
    });
  }
}

async function* followed(
  stream: AsyncIterable<unknown>,
  number: number,
  ledger: RehearsalLedger,
): AsyncGenerator<unknown> {
  try {
    yield* stream;
    ledger.answered(number);
  } catch (error) {
    ledger.failed(number, error);
    throw error;
  }
}
