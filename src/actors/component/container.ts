import { ConfigError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import type { AnyService, Meta, v1 } from '../../protocol/index.js';
import { type Behavior, type Context, untypedBehavior } from '../kernel/index.js';
import type { AnyContained, ComponentCall, ContainedComponent } from './define.js';
import { callDirectly, type DirectCalls, type Hosted } from './direct.js';

/** The actor that hosts a component and those that it uses. Its mailbox is the queue: one request at a time, in the order of their arrival. */
export function containerBehavior(component: AnyContained): Behavior<AnyService, unknown> {
  const { service } = component;
  const names = Object.keys(service.methods).filter((name) => component.handlerFor(name) !== undefined);
  const rpcs: Readonly<Record<string, unknown>> = Object.fromEntries(
    names.map((name) => [
      name,
      (container: Container, request: unknown, { meta }: Context) => container.handle(name, request, meta),
    ]),
  );
  return untypedBehavior(service, {
    ...rpcs,
    state: ({ log, scheduler }: Context) => new Container(component, { log, scheduler }),
    on: {
      started: (container: Container) => container.start(),
      stopping: (container: Container) => container.stop(),
    },
    // The environment is kept when a call has failed.
    supervision: 'resume',
    mailbox: { capacity: component.manifest.queue },
    containerProbe: (container: Container) => container.probe(),
    containerExport: (container: Container) => container.exportState(),
    containerImport: (container: Container, given: v1.ComponentState) => container.importState(given),
  });
}

/** A component with its environment, and those that it uses with theirs. Each is started after those that it uses, and stopped before them. */
class Container {
  readonly #component: AnyContained;
  readonly #given: Pick<ComponentCall, 'log' | 'scheduler'>;
  /** By component, those that are used first. */
  readonly #hosted = new Map<AnyContained, Hosted>();
  #handled = 0;
  #failure: Error | undefined;

  constructor(component: AnyContained, given: Pick<ComponentCall, 'log' | 'scheduler'>) {
    this.#component = component;
    this.#given = given;
  }

  /** A start that fails is answered to each request, and to the probe. */
  async start(): Promise<void> {
    try {
      await this.#host(this.#component);
    } catch (error) {
      this.#failure = errorOf(error);
    }
  }

  /** Each has its hook called, also when that of another one throws. */
  async stop(): Promise<void> {
    const errors: unknown[] = [];
    for (const { component, environment } of [...this.#hosted.values()].toReversed()) {
      try {
        await component.hooks.stopping?.(environment);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  handle(name: string, request: unknown, meta: Meta | undefined): unknown {
    const hosted = this.#own();
    this.#handled++;
    return callDirectly(hosted, name, request, this.#callOf(hosted.component, meta));
  }

  probe(): v1.ContainerProgressInit {
    this.#own();
    return { handled: BigInt(this.#handled) };
  }

  async exportState(): Promise<v1.ComponentStateInit> {
    const { component, environment } = this.#own();
    const state = await component.hooks.exportState?.(environment);
    if (state === undefined) throw new ConfigError(`Component "${component.name}" has no exportState.`);
    return { version: component.manifest.stateVersion, state };
  }

  async importState({ version, state }: v1.ComponentState): Promise<void> {
    const { component, environment } = this.#own();
    if (component.hooks.importState === undefined) {
      throw new ConfigError(`Component "${component.name}" has no importState.`);
    }
    await component.hooks.importState(environment, state, version);
  }

  async #host(component: AnyContained): Promise<void> {
    if (this.#hosted.has(component)) return;
    for (const used of component.uses) await this.#host(used);
    const environment = await component.hooks.created?.();
    await component.hooks.started?.(environment);
    this.#hosted.set(component, { component, environment });
  }

  #own(): Hosted {
    if (this.#failure !== undefined) throw this.#failure;
    const own = this.#hosted.get(this.#component);
    if (own === undefined) throw new ConfigError(`Component "${this.#component.name}" has not started.`);
    return own;
  }

  #callOf(caller: AnyContained, meta: Meta | undefined): ComponentCall {
    return { ...this.#given, meta, direct: (component) => this.#direct(caller, component, meta) };
  }

  #direct<S extends AnyService, H>(
    caller: AnyContained,
    callee: ContainedComponent<S, H>,
    meta: Meta | undefined,
  ): DirectCalls<S, H> {
    const hosted = caller.uses.includes(callee) ? this.#hosted.get(callee) : undefined;
    if (hosted === undefined) {
      throw new ConfigError(
        `Component "${caller.name}" calls "${callee.name}", which it does not use: add it to uses of its definition.`,
      );
    }
    const call = this.#callOf(callee, meta);
    const calls = Object.keys(callee.service.methods).map((name) => [
      name,
      (request: unknown) => callDirectly(hosted, name, request, call),
    ]);
    // oxlint-disable-next-line typescript/consistent-type-assertions -- as in the kernel's reference.ts: the object has exactly the methods that DirectCalls names.
    return Object.fromEntries(calls) as DirectCalls<S, H>;
  }
}
