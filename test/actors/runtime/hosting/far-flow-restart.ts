import { farFlow } from './far-flow.js';

/** Starts anew when something is lost. */
export default farFlow('far-flow-restart', import.meta.url, 'restart');
