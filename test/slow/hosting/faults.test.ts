import { describeFaults } from '../../actors/runtime/faults.js';

describeFaults(60);
