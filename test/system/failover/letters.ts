import { pipeline } from '#src/actors/runtime/index.js';
import { declareParcels } from './declare-parcels.js';

export default pipeline('letters', import.meta.url, declareParcels, { onFailure: 'restart' });
