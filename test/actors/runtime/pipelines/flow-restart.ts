import { pipeline } from '#src/actors/runtime/index.js';
import { declareFlow } from './declare-flow.js';

/** Starts anew when something is lost. */
export default pipeline('flow-restart', import.meta.url, declareFlow, { onFailure: 'restart', maxRestarts: 5 });
