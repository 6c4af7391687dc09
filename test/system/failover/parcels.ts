import { pipeline } from '#src/actors/runtime/index.js';
import { declareParcels } from './declare-parcels.js';

export default pipeline('parcels', import.meta.url, declareParcels, { onFailure: 'fail' });
