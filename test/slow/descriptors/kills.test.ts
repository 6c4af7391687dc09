import { describeKills } from '../../descriptors/kills.js';

/** Rounds for each role. `ROUNDS=200 npm run test:slow` kills more. */
describeKills(Number(process.env['ROUNDS'] ?? 6));
