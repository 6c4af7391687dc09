/**
 * The roles of a run of `millrace up`: launcher, backends, shepherds, global services, transport services and logging services, each an
 * actor at its conventional channel id. The command line starts the launcher, and the programs of this folder are the processes that a
 * run starts. Nothing here may know what the processes of the application do.
 */
export { FaultPoints } from './fault-points.js';
export { GlobalServices, type GlobalServicesOptions, type Term } from './global-services/global-services.js';
export { ManagedProcesses } from './global-services/managed-processes.js';
export { Infrastructure } from './infrastructure.js';
export type { BackendStart, Display, Host } from './launcher/frontend.js';
export type { GuestEvents, LostWorker, StartedWorker } from './launcher/guest-node.js';
export { guestsCUid } from './launcher/guests.js';
export { hostIdOf } from './launcher/host-id.js';
export { Launcher, type LauncherOptions, type StepEvent } from './launcher/launcher.js';
export { RUN_KEY, StoreClaim } from './launcher/store-claim.js';
export { Backend, type BackendOptions } from './node/backend.js';
export { LoggingService } from './node/logging-service.js';
export { ServicesCandidate } from './node/services-candidate.js';
export type { NodeIdentity, NodeSystem, Output } from './node/node-system.js';
export { Processes, type StartedProcess } from './node/processes.js';
export { type InfrastructureLinks, openInfrastructure } from './programs/open-infrastructure.js';
export { RUN_GATE, socketsOf } from './programs/global-services-process.js';
export { NodeProcess, roleProgram } from './programs/node-process.js';
export type { NodeStart, RunStore } from './programs/role-start.js';
export {
  isOwned,
  isRunOwned,
  makeFolder,
  removeFolder,
  RUN_FILE,
  runName,
  runsFolder,
  writeKey,
} from './programs/run-folder.js';
export { newStartSecret } from './start-secret.js';
export { stepInfo, steps } from './steps.js';
export { childrenOf, FAN_OUT, isWithin, parentOf, ROOT } from './tree.js';
