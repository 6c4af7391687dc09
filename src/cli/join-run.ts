/** `millrace join` where the cluster may be a run of `millrace up`: finds the run, and gives it a node. */
import { retryAsk } from '../actors/control-plane/index.js';
import type { NetOptions } from '../actors/runtime/index.js';
import {
  type Infrastructure,
  makeFolder,
  openInfrastructure,
  removeFolder,
  RUN_GATE,
  socketsOf,
} from '../actors/services/index.js';
import { globalServicesInputCUid } from '../ids/index.js';
import { silentLogger } from '../index.js';
import { limits } from '../limits.js';
import { v1 } from '../protocol/index.js';
import { RealScheduler } from '../scheduler/index.js';
import { commandFolder } from './ask-run.js';
import type { Interrupts } from './interrupts.js';
import { JoinedNode } from './joined-node.js';

export interface JoinOptions {
  readonly controlPlane: string;
  readonly nodeName: string;
  readonly net: NetOptions | undefined;
  /** For the worker. */
  readonly environment: Readonly<Record<string, string>>;
  readonly interrupts: Interrupts;
}

/**
 * Joins the run that has this control plane, and resolves to the exit code when that is over; undefined at once where it is the control plane of no
 * run. A run always has a key, and is reached over sockets.
 */
export async function joinRun(options: JoinOptions): Promise<number | undefined> {
  const { controlPlane, nodeName, net, environment, interrupts } = options;
  const to = socketsOf(controlPlane);
  if (typeof net?.key !== 'string' || net.listen === undefined || to === '') return undefined;
  const folder = makeFolder(commandFolder());
  const links = {
    name: 'joins',
    folder,
    key: net.key,
    listen: net.listen,
    advertisedHost: net.advertisedHost ?? '',
    tls: net.tls?.files,
  };
  try {
    const infrastructure = await openInfrastructure(links, new RealScheduler(), silentLogger);
    try {
      const place = await runAt(infrastructure, to);
      return place && (await new JoinedNode(infrastructure, place, { nodeName, environment, interrupts, links }).run());
    } finally {
      await infrastructure.close();
    }
  } finally {
    removeFolder(folder);
  }
}

/** Undefined where the control plane is that of no run. */
async function runAt(infrastructure: Infrastructure, controlPlane: string): Promise<v1.RunPlace | undefined> {
  const { scheduler } = infrastructure;
  const server = infrastructure.reference(v1.ControlPlane, controlPlane, globalServicesInputCUid);
  const gateNow = { name: RUN_GATE, isFirst: true };
  const { ref } = await retryAsk(scheduler, limits.controlPlaneTimeoutMs, (given) => server.followName(gateNow, given));
  if (ref === undefined) return undefined;
  const gate = infrastructure.reference(v1.RunGate, controlPlane, ref.cUid);
  return retryAsk(scheduler, limits.controlPlaneTimeoutMs, (given) => gate.find({}, given));
}
