import { declareOthersInProcesses } from '../../actors/runtime/worlds.js';

await declareOthersInProcesses();
