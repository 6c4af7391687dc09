import { declareInProcesses } from '../../actors/runtime/worlds.js';

await declareInProcesses(
  'actors/runtime/hosting/flow',
  'actors/runtime/hosting/forced-stop',
  'actors/runtime/hosting/life',
);
