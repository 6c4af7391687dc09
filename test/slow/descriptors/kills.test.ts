import { describeKills } from '../../descriptors/kills.js';

describeKills(200);
