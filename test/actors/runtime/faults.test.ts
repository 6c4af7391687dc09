import { describeFaults } from './faults.js';

/** test/slow/hosting/faults.test.ts tries more. */
describeFaults(8);
