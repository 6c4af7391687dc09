import { describeFaults } from '../../actors/runtime/faults.js';

/** `ROUNDS=200` tries so many networks. */
describeFaults(Number(process.env['ROUNDS'] ?? 25));
