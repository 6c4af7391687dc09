import { pipeline } from '#src/actors/runtime/index.js';
import { declareFlow } from './declare-flow.js';

/** Fails at the first failure. */
export default pipeline('flow', import.meta.url, declareFlow);
