import { declareInProcesses } from '../../actors/runtime/worlds.js';

await declareInProcesses(
  'actors/component/plugins',
  'actors/component/replace',
  'actors/persistence/placed',
  'actors/runtime/large-elements',
  'actors/runtime/names',
  'actors/runtime/pipelines',
  'actors/runtime/placing/lost',
  'actors/runtime/values',
  'examples/tiles',
);
