import { declareInProcesses } from '../../actors/runtime/worlds.js';

await declareInProcesses((path) => /^actors\/runtime\/[^/]+$/.test(path));
