import { describePlacements } from '../runtime/harness.js';
import { deployUnderLoad } from './deployments.js';

describePlacements('deployments under load', (newCluster) => {
  it('lose no request, and have none handled twice, five times in a row', () => deployUnderLoad(newCluster(), 5));
});
