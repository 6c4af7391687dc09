import { declareInProcesses, IN_PROCESSES } from '../../actors/runtime/worlds.js';

await declareInProcesses(IN_PROCESSES.hosting);
