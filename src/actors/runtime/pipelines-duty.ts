import { namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { v1 } from '../../protocol/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import type { ActorRef, ActorSystem } from '../kernel/index.js';
import type { ControlPlaneNews } from './control-plane-news.js';
import { PipelinesManager } from './pipelines-manager.js';

const NAME = 'millrace/pipelines-manager';
/** The process that served before may announce its name once more, before it learns that it serves no longer. */
const STANDBY = { isStandby: true };

/** Runs the pipelines manager of the cluster in this process for as long as it serves the control plane. */
export class PipelinesDuty {
  readonly #system: ActorSystem;
  readonly #client: ControlPlaneClient;
  readonly #news: ControlPlaneNews;
  readonly #isSilent: (partition: v1.Partition) => boolean;
  readonly #log: Logger;
  #manager: ActorRef<typeof v1.PipelinesManager> | undefined;
  #announced: Promise<void> = Promise.resolve();
  #isActive = false;

  constructor(
    system: ActorSystem,
    client: ControlPlaneClient,
    news: ControlPlaneNews,
    isSilent: (partition: v1.Partition) => boolean,
    log: Logger,
  ) {
    this.#system = system;
    this.#client = client;
    this.#news = news;
    this.#isSilent = isSilent;
    this.#log = log;
  }

  /** Whether this process serves the control plane from now on. */
  set(isServing: boolean): void {
    this.#client.managesPipelines(isServing);
    if (isServing === (this.#manager !== undefined)) return;
    if (isServing) this.#begin();
    else this.#end();
  }

  /** This process is active: the manager can be registered. Resolves when that is done. */
  async announced(): Promise<void> {
    this.#isActive = true;
    if (this.#manager !== undefined) await this.#client.registerName(NAME, this.#manager.toRef(), STANDBY);
  }

  #begin(): void {
    const manager = new PipelinesManager(this.#system, () => this.#client, this.#isSilent);
    this.#news.pipelines = manager;
    const actor = this.#system.spawn(manager.behavior(), { name: 'pipelines-manager' });
    this.#manager = actor;
    if (!this.#isActive) return;
    this.#announced = this.#client.registerName(NAME, actor.toRef(), STANDBY).catch((error: unknown) => {
      this.#log.warn('the pipelines manager has no name', { error: namedMessageOf(error) });
    });
  }

  #end(): void {
    const manager = this.#manager;
    this.#manager = undefined;
    this.#news.pipelines = undefined;
    if (manager === undefined) return;
    void this.#system.stop(manager);
    void this.#announced
      .then(() => this.#client.unregisterName(NAME, manager.toRef().cUid))
      .catch((error: unknown) => {
        this.#log.debug('the name of the pipelines manager was not given up', { error: namedMessageOf(error) });
      });
  }
}
