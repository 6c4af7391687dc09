import { isUint8Array } from 'node:util/types';
import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { AnyService, Meta, v1 } from '../../protocol/index.js';
import { type Behavior, type Context, untypedBehavior } from '../kernel/index.js';
import type { AnyContained, ComponentCall, ContainedComponent } from './define.js';
import { callDirectly, type DirectCalls, type Hosted } from './direct.js';
import { openWith, sealWith, type StateSecurity, stateSecurityIn } from './plugins/index.js';

/** The actor that hosts a component and those that it uses, with the arguments of its place. Its mailbox is the queue: one request at a time, in the order of their arrival. */
export function containerBehavior(component: AnyContained, args: unknown): Behavior<AnyService, unknown> {
  const security = stateSecurityIn(component.name, args);
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
    state: ({ log, scheduler }: Context) => new Container(component, { log, scheduler }, security),
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
  /** Fixed when it is placed: who asks for a state does not choose who seals it, nor which code runs for that. */
  readonly #security: StateSecurity | undefined;
  /** By component, those that are used first. */
  readonly #hosted = new Map<AnyContained, Hosted>();
  #handled = 0;

  constructor(
    component: AnyContained,
    given: Pick<ComponentCall, 'log' | 'scheduler'>,
    security: StateSecurity | undefined,
  ) {
    this.#component = component;
    this.#given = given;
    this.#security = security;
  }

  /** Rejects when a component cannot start: the container ends then, and `stop` is called with what was created. */
  async start(): Promise<void> {
    await this.#host(this.#component);
  }

  /** Each has its hook called once, also when that of another one throws. A hook that never settles keeps those of used components from being called. */
  async stop(): Promise<void> {
    const errors: unknown[] = [];
    const hosted = [...this.#hosted.values()].toReversed();
    this.#hosted.clear();
    for (const { component, environment } of hosted) {
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
    if (component.hooks.exportState === undefined) {
      throw new ConfigError(`Component "${component.name}" has no exportState.`);
    }
    const state: unknown = await component.hooks.exportState(environment);
    if (!isUint8Array(state)) {
      throw new ConfigError(
        `exportState of component "${component.name}" must return bytes, not ${shownValue(state)}.`,
      );
    }
    const version = component.manifest.stateVersion;
    const security = this.#security;
    if (security === undefined) return { version, state };
    const label = { component: component.name, version };
    const sealed = await sealWith(security, state, label, this.#given.scheduler);
    return { version, state: sealed, sealedBy: security.name };
  }

  async importState({ version, state, sealedBy }: v1.ComponentState): Promise<void> {
    const { component, environment } = this.#own();
    if (component.hooks.importState === undefined) {
      throw new ConfigError(`Component "${component.name}" has no importState.`);
    }
    const security = this.#security;
    if (sealedBy !== (security?.name ?? '')) throw sealedByAnother(component.name, sealedBy, security);
    const label = { component: component.name, version };
    const opened = security === undefined ? state : await openWith(security, state, label, this.#given.scheduler);
    await component.hooks.importState(environment, opened, version);
  }

  async #host(component: AnyContained): Promise<void> {
    if (this.#hosted.has(component)) return;
    for (const used of component.uses) await this.#host(used);
    const environment = await component.hooks.created?.();
    this.#hosted.set(component, { component, environment });
    await component.hooks.started?.(environment);
  }

  #own(): Hosted {
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

function sealedByAnother(component: string, sealedBy: string, security: StateSecurity | undefined): ConfigError {
  const given = sealedBy === '' ? 'is not sealed' : `was sealed by the security provider "${sealedBy}"`;
  const own = security === undefined ? 'no security provider' : `the security provider "${security.name}"`;
  return new ConfigError(
    `A state for component "${component}" ${given}, and its container was placed with ${own}: transfer states between containers of one security.`,
  );
}
